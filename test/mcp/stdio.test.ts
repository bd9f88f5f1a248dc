import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { external } from '../../src/actors/external-handler.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { Workplace } from '../cli/support/workplace.js';
import { openSite } from '../http/support/site.js';
import { Agent, REVIEW, workThrough } from './support/agent.js';

let folder: string;
const agents: Agent[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runchart-mcp-'));
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.leave()));
  rmSync(folder, { recursive: true, force: true });
});

async function start(...words: string[]): Promise<Agent> {
  const agent = await Agent.overStdio(folder, ...words);
  agents.push(agent);
  return agent;
}

describe('runchart mcp', () => {
  it('S225 serves an agent at the server that it is told of', async () => {
    const site = await openSite({ write: external() });
    try {
      const agent = await start('--url', site.url);
      await workThrough(agent, (task, response) =>
        site.orchestrator.respond(task, { response: response as string, responder: 'ada' }),
      );
      await agent.leave();
    } finally {
      await site.close();
    }
  });

  it('S225 carries the runs of a database itself, and leaves them for the next process', async () => {
    const words = ['--db', join(folder, 'runs.db'), '--external', 'write'];
    const first = await start(...words);
    await first.call('submit_plan', { plan: REVIEW, id: 'r1' });
    const { work } = await first.call('claim_work', { capabilities: ['write'], waitMs: 5_000 });
    await first.call('submit_work', { token: work.token, result: 'done' });
    await first.call('wait_for_run', { run: 'r1', waitMs: 10_000 });
    await first.leave();

    const orchestrator: Orchestrator = await createOrchestrator({
      url: join(folder, 'runs.db'),
      handlers: { write: external() },
    });
    const [task] = await orchestrator.tasks.list({ run: 'r1' });
    await orchestrator.respond(task?.id ?? '', { response: { approved: true } });
    await orchestrator.close();

    const second = await start(...words);
    const read = await second.call('read_run', { run: 'r1' });
    expect(read).toMatchObject({ status: 'completed', hasPlan: true });
  });

  it('S225 finds the server that has the database open', async () => {
    const place = new Workplace();
    try {
      const { url } = await place.serveAudit();
      const agent = await start('--db', place.database);
      const { plans } = await agent.call('list_plans');
      expect(plans).toMatchObject([{ name: 'audit' }]);
      expect(url).toContain('127.0.0.1');
      await agent.leave();
    } finally {
      await place.leave();
    }
  });

  it('says nothing on standard output but messages, and ends with its client', async () => {
    const agent = await start('--db', join(folder, 'runs.db'));
    const { pid } = agent.transport as StdioClientTransport;
    const faults: Error[] = [];
    agent.client.onerror = (error) => faults.push(error);
    const error = await agent.refused('submit_plan', { plan: REVIEW });
    expect(error).toMatchObject({ code: 'handler-missing', retryable: false });
    await agent.leave();
    expect(faults).toEqual([]);
    expect(() => process.kill(pid ?? 0, 0)).toThrow();
  });
});
