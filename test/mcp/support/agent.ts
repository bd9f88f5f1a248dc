/** An agent: the official client of the protocol, over real HTTP or to a real child process. */
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { expect } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/** What a tool answered, as the test expects it. */
// biome-ignore lint/suspicious/noExplicitAny: each test says what it expects of which tool
export type Told = Record<string, any>;

export class Agent {
  readonly client = new Client({ name: 'tester', version: '1.0.0' });
  readonly transport: Transport;

  private constructor(transport: Transport) {
    this.transport = transport;
  }

  static async connect(transport: Transport): Promise<Agent> {
    const agent = new Agent(transport);
    await agent.client.connect(transport);
    // From then on the client holds each result against the schema of its tool.
    await agent.client.listTools();
    return agent;
  }

  static overHttp(url: string): Promise<Agent> {
    return Agent.connect(new StreamableHTTPClientTransport(new URL('/mcp', url)));
  }

  /** Starts `runchart mcp` with the words. */
  static async overStdio(folder: string, ...words: string[]): Promise<Agent> {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [MAIN, 'mcp', ...words],
      cwd: folder,
      stderr: 'pipe',
    });
    return Agent.connect(transport);
  }

  /** Calls a tool that has to succeed. */
  async call(name: string, args: Record<string, unknown> = {}): Promise<Told> {
    const { result, isError } = await this.try(name, args);
    expect(isError, JSON.stringify(result)).toBe(false);
    return result;
  }

  /** Calls a tool that has to be refused; gives the error. */
  async refused(name: string, args: Record<string, unknown> = {}): Promise<Told> {
    const { result, isError } = await this.try(name, args);
    expect(isError, JSON.stringify(result)).toBe(true);
    expect(result).toMatchObject({ action: name, status: 'refused', hasPlan: false });
    return { ...result.error, message: result.message };
  }

  async try(
    name: string,
    args: Record<string, unknown>,
  ): Promise<{ readonly result: Told; readonly isError: boolean }> {
    const answer = await this.client.callTool({ name, arguments: args });
    const [content] = answer.content as { text: string }[];
    expect(JSON.parse(content?.text ?? '')).toEqual(answer.structuredContent);
    return { result: answer.structuredContent as Told, isError: answer.isError === true };
  }

  leave(): Promise<void> {
    return this.client.close();
  }
}

export const REVIEW = {
  title: 'Review',
  nodes: [
    { id: 'draft', kind: 'action', handler: 'write' },
    { id: 'approve', kind: 'human-approval', instructions: 'Is it good?' },
  ],
  edges: [{ source: 'draft', target: 'approve' }],
};

/** What an agent does from a plan to its end; `answer` answers a task in place of a person. */
export async function workThrough(
  agent: Agent,
  answer: (task: string, response: unknown) => Promise<unknown>,
): Promise<void> {
  // A plan, tried out and submitted.
  const invalid = await agent.call('validate_plan', { plan: { ...REVIEW, edges: [{}] } });
  expect(invalid.status).toBe('invalid');
  const dry = await agent.call('submit_plan', { plan: REVIEW, dryRun: true });
  expect(dry).toMatchObject({ status: 'dry-run', hasPlan: true, plan: { nodes: 2, edges: 1 } });
  const submitted = await agent.call('submit_plan', {
    plan: REVIEW,
    id: 'r1',
    input: { by: 'me' },
  });
  expect(submitted).toMatchObject({ action: 'submit_plan', run: 'r1', created: true });

  // Its work, done by the agent itself.
  const { offers } = await agent.call('list_work');
  expect(offers).toEqual([{ handler: 'write', capability: 'write', waiting: 1 }]);
  const claimed = await agent.call('claim_work', { capabilities: ['write'], waitMs: 5_000 });
  expect(claimed).toMatchObject({ changedNodeId: 'draft', run: 'r1', work: { attempt: 1 } });
  const { token } = claimed.work;
  expect(await agent.call('heartbeat_work', { token, progress: { done: 1 } })).toMatchObject({
    status: 'held',
    lease: { isCancelled: false },
  });
  const done = await agent.call('submit_work', { token, result: { text: 'once upon a time' } });
  expect(done).toMatchObject({ changedNodeId: 'draft', accepted: { accepted: true } });
  expect(await agent.call('submit_work', { token, result: { text: 'once upon a time' } })).toEqual(
    done,
  );

  // What it waits for now, and why.
  const waited = await agent.call('wait_for_run', { run: 'r1', waitMs: 10_000 });
  expect(waited).toMatchObject({ status: 'awaiting-human', isSettled: true });
  expect(waited.openTasks).toMatchObject([{ node: 'approve', asks: { value: 'Is it good?' } }]);
  const why = await agent.call('why', { run: 'r1', node: 'approve' });
  expect(why).toMatchObject({ nodeStatus: 'awaiting-human', hasPlan: true });
  expect(why.explanation.value).toContain('approve');

  // A person, asked apart from that.
  const asked = await agent.call('ask_person', {
    question: 'Which title?',
    kind: 'decision',
    options: [{ id: 'long' }, { id: 'short' }],
    idempotencyKey: 'title',
  });
  expect(asked).toMatchObject({
    status: 'awaiting-human',
    task: { asks: { value: 'Which title?' } },
  });
  await answer(asked.task.id, { choice: 'short' });
  const told = await agent.call('read_task', { task: asked.task.id });
  expect(told).toMatchObject({ status: 'completed', task: { status: 'answered' } });
  expect(told.responses.value).toMatchObject([{ response: { choice: 'short' } }]);

  // Another plan for the run, that asks somebody else in the middle of it.
  const plan = {
    ...REVIEW,
    nodes: [...REVIEW.nodes, { id: 'title', kind: 'human-input', instructions: 'A title, please' }],
    edges: [...REVIEW.edges, { source: 'draft', target: 'title' }],
  };
  const tried = await agent.call('replan', { run: 'r1', plan, dryRun: true });
  expect(tried).toMatchObject({ isDryRun: true, added: { count: 1, nodes: ['title'] } });
  const replanned = await agent.call('replan', { run: 'r1', plan, reason: 'it needs a title' });
  expect(replanned).toMatchObject({ isDryRun: false, kept: { count: 2 }, plan: tried.plan });
  const { tasks } = await agent.call('list_tasks', { run: 'r1' });
  expect(tasks.map(({ node }: Told) => node).sort()).toEqual(['approve', 'title']);
  for (const { id, node } of tasks) {
    await answer(id, node === 'approve' ? { approved: true } : 'The end');
  }

  const ended = await agent.call('wait_for_run', { run: 'r1', waitMs: 10_000 });
  expect(ended).toMatchObject({ status: 'completed', isSettled: true, openTasks: [] });
  const { events } = await agent.call('list_events', { run: 'r1', limit: 100 });
  const replan = events.find(({ type }: Told) => type === 'run.replanned');
  expect(replan.detail.value).toMatchObject({ by: 'agent:tester', reason: 'it needs a title' });
}
