/** Runs on a real file that have seen most of what can happen to one, and their export files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { HandlerContext, Handlers } from '../../../src/actors/handlers.js';
import { createOrchestrator } from '../../../src/create-orchestrator.js';
import type { Orchestrator } from '../../../src/orchestrator.js';
import type { OrchestratorOptions } from '../../../src/orchestrator-options.js';
import type { Plan } from '../../../src/plan/schema.js';
import { action, approval, edge, join as joinNode, plan } from '../../support/plans.js';
import { temporaryDirectory } from '../../support/temporary.js';

export const HANDLERS: Handlers = {
  work: (input: unknown, { node, attempt }: HandlerContext) => {
    if (node === 'flaky' && attempt === 1) throw new Error('once');
    if (node === 'broken') throw new Error('for good');
    return {
      ok: true,
      output: { node, input },
      artifacts: [{ name: node, kind: 'text', payload: 'ü' }],
    };
  },
};

/** A retry with another input, a failure that is tolerated, a loop, a map, a subplan, a signal, and a person who is asked. */
export const VARIED: Plan = {
  ...plan(
    [
      action('flaky', { onFailure: 'replan' }),
      action('broken', { onFailure: 'continue', retry: { maxAttempts: 1 } }),
      {
        kind: 'loop',
        id: 'again',
        maxIterations: 2,
        body: { nodes: [action('step')], edges: [] },
      },
      { kind: 'map', id: 'each', items: '[1, 2, 3]', handler: 'work' },
      { kind: 'subplan', id: 'inner', plan: 'inner' },
      { kind: 'signal', id: 'told' },
      joinNode('all', { onFailure: 'ignore' }),
      approval('sign'),
      action('after'),
    ],
    [
      ...['flaky', 'broken', 'again', 'each', 'inner', 'told'].map((id) => edge(id, 'all')),
      edge('all', 'sign'),
      edge('sign', 'after', { when: 'outcome == "approved"' }),
    ],
    { plans: { inner: { title: 'Inner', nodes: [action('deep')], edges: [] } } },
  ).plan,
};

export async function openOrchestrator(
  database: string,
  options: Partial<OrchestratorOptions> = {},
): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ url: database, handlers: HANDLERS, ...options });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

/** Starts a run and leaves it where a person is asked. */
export async function startVaried(orchestrator: Orchestrator, id: string): Promise<void> {
  await orchestrator.start(VARIED, { id, input: { text: 'Grüße\u2028😀' } });
  await orchestrator.signal(id, 'told', { payload: 1, id: `${id}-signal` });
  await orchestrator.settled(id);
  const given = { input: { text: 'anders' }, by: 'op' };
  await orchestrator.change.patchInput(id, 'flaky', given);
  await orchestrator.retryNode(id, 'flaky');
  const status = await orchestrator.settled(id);
  if (status !== 'awaiting-human') throw new Error(`run ${id} is ${status}`);
}

/** Goes on to the end from where a person is asked. */
export async function finishVaried(orchestrator: Orchestrator, id: string): Promise<void> {
  const { tasks } = await orchestrator.runs.details(id);
  const [task] = tasks;
  if (task === undefined) throw new Error(`run ${id} asks nobody`);
  await orchestrator.respond(task.id, { response: { approved: true }, responder: 'me' });
  await orchestrator.result(id);
}

export async function playVaried(orchestrator: Orchestrator, id: string): Promise<void> {
  await startVaried(orchestrator, id);
  await finishVaried(orchestrator, id);
}

export async function exported(orchestrator: Orchestrator, id: string): Promise<string> {
  const lines: string[] = [];
  for await (const line of orchestrator.runs.export(id)) lines.push(line);
  return lines.join('');
}

export function fileWith(content: string | Uint8Array): string {
  const path = join(temporaryDirectory(), 'run.jsonl');
  writeFileSync(path, content);
  return path;
}
