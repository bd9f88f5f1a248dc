import { expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, edge, join, plan } from '../support/plans.js';

/** The nodes that the newest event of a run says that it is blocked by. */
function blockage(kernel: Kernel, run = 'r1'): unknown {
  const { type, detailJson } = kernel.rows(run).events.at(-1) ?? {};
  expect([type, kernel.status(run)]).toEqual(['run.status-changed', 'blocked']);
  return (JSON.parse(detailJson ?? '{}') as { nodes: unknown }).nodes;
}

const nodes = [action('x', { onFailure: 'replan' })];
const loop = { kind: 'loop', id: 'l', maxIterations: 2, body: { nodes, edges: [] } };

it('S34 a blocked run names the node inside a loop, and the run of a subplan, that hold it up', async () => {
  const kernel = new Kernel();
  const plans = { p: { title: 'Part', nodes: [loop], edges: [] } };
  await kernel.start(plan([{ kind: 'subplan', id: 's', plan: 'p' }], [], { plans }));
  await kernel.settle();
  const child = [...kernel.storage.runs.keys()].find((id) => id !== 'r1') ?? '';
  kernel.setVersion(child, plan([loop]));
  await kernel.fail('l[1]/x', new Error('odd'), child);
  expect(blockage(kernel, child)).toMatchObject([{ node: 'l[1]/x', reason: { message: 'odd' } }]);
  expect(blockage(kernel)).toMatchObject([
    { node: 's', reason: { code: 'child-blocked', detail: { run: child } } },
  ]);
});

it('S34 a blocked run names a join that waits for a failed branch, and why', async () => {
  const kernel = new Kernel();
  const waiting = join('j', { onFailure: 'wait' });
  const nodes = [action('a', { onFailure: 'continue' }), action('b'), waiting];
  await kernel.start(plan(nodes, [edge('a', 'j'), edge('b', 'j')]));
  await kernel.fail('a');
  await kernel.finish('b', 1);
  expect(blockage(kernel)).toMatchObject([{ node: 'j', reason: { code: 'input-failed' } }]);
});
