/** A pause of a run with subplans, over processes and a real database. */
import { expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import { temporaryDatabase } from '../support/temporary.js';

const inner = {
  title: 'Inner',
  nodes: [
    { kind: 'human-approval', id: 'ask' },
    { kind: 'action', id: 'then', handler: 'work' },
  ],
  edges: [{ source: 'ask', target: 'then' }],
};
const outer = { title: 'Outer', nodes: [{ kind: 'subplan', id: 'in', plan: 'inner' }], edges: [] };
const { plan } = compilePlanOrThrow({
  title: 'Whole',
  nodes: [{ kind: 'subplan', id: 'out', plan: 'outer' }],
  edges: [],
  plans: { inner, outer },
});

/** Statuses of the runs, the outermost first. */
async function statuses({ runs }: Orchestrator): Promise<string[]> {
  const list = await runs.list();
  return list.map(({ status }) => status).reverse();
}

async function until(orchestrator: Orchestrator, wanted: readonly string[]): Promise<void> {
  while ((await statuses(orchestrator)).join() !== wanted.join()) {
    await new Promise(setImmediate);
  }
}

const three = (status: string) => [status, status, status];

it('S156 S157 S149 reaches runs that a process before has paused, or was about to set going', async () => {
  const url = temporaryDatabase();
  let worked = 0;
  const open = async () => {
    const handlers = { work: () => ++worked };
    const orchestrator = await createOrchestrator({ url, handlers });
    await orchestrator.recover();
    return orchestrator;
  };
  let orchestrator = await open();
  await orchestrator.start(plan, { id: 'r' });
  await until(orchestrator, three('awaiting-human'));
  await orchestrator.pause('r');
  // What it told its subplans may be on its way.
  await orchestrator.close();
  orchestrator = await open();
  await until(orchestrator, three('paused'));
  const [task] = await orchestrator.tasks.list();
  await orchestrator.tasks.respond(task?.id ?? '', { response: { approved: true } });
  expect([await statuses(orchestrator), worked]).toEqual([three('paused'), 0]);
  await orchestrator.resume('r');
  await orchestrator.close();
  orchestrator = await open();
  await until(orchestrator, three('completed'));
  expect(worked).toBe(1);
  const events = await orchestrator.runs.events('r');
  const changes = events.filter(({ type }) => type === 'child.changed');
  expect(changes.map(({ detail }) => detail)).toContainEqual(
    expect.objectContaining({ status: 'paused', pause: 'shared' }),
  );
  await orchestrator.close();
}, 30_000);
