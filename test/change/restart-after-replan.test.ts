/** What was decided inside a loop under one plan stays so under the next, in a further process too. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, type Draft, edge, plan } from '../support/plans.js';

const TOLERANT = { completion: { tolerate: ['exception'] } };
const body = (edges: readonly Draft[] = []) => ({
  nodes: [action('a'), action('b'), action('c')],
  edges,
});
/** Of a loop whose body is as given, with or without tolerance for what fails in it. */
const looping = (more: object, edges: readonly Draft[] = []) =>
  plan([{ kind: 'loop', id: 'l', maxIterations: 1, body: body(edges) }, action('own')], [], more);

async function replanned(kernel: Kernel, more: object, edges: readonly Draft[] = []) {
  const version = looping(more, edges);
  await kernel.send({
    type: 'run.replan',
    ...{ version, by: 'op', reason: null, isDryRun: false, cancelRunning: false },
  });
  await kernel.settle();
}

/** Statuses of the node runs that are stored. */
const statuses = (kernel: Kernel) =>
  Object.fromEntries(
    [...kernel.rows().nodeRuns.values()].map(({ node, status }) => [node, status]),
  );

/** Where it fails: at the end of a branch, or with more behind it. */
const PLACES: readonly (readonly Draft[])[] = [[], [edge('a', 'c')]];

describe('a replan that changes which failures the run tolerates', () => {
  it('S165 S202 calls nothing off that goes on beside a failure that was tolerated, after a restart neither', async () => {
    for (const edges of PLACES) {
      for (const restarts of [false, true]) {
        const kernel = new Kernel();
        await kernel.start(looping(TOLERANT, edges));
        await kernel.settle();
        await kernel.fail('l[1]/a');
        await replanned(kernel, {}, edges);
        if (restarts) await kernel.restart();
        expect(kernel.working()).toContain('l[1]/b');
        for (const node of kernel.working()) await kernel.finish(node, 1);
        expect([kernel.status(), statuses(kernel).l]).toEqual(['partial', 'partial']);
      }
    }
  });

  it('S165 S202 keeps nothing that a failure has called off, after a restart neither', async () => {
    for (const edges of PLACES) {
      for (const restarts of [false, true]) {
        const kernel = new Kernel();
        await kernel.start(looping({}, edges));
        await kernel.settle();
        await kernel.fail('l[1]/a');
        expect(kernel.log('r1', /stopping/)).toContain('node.stopping l[1]/b#1');
        await replanned(kernel, TOLERANT, edges);
        if (restarts) await kernel.restart();
        else await kernel.advance(5_000);
        // It comes to an end as the failure has it: its class is tolerated now where it is the loop that failed.
        expect(statuses(kernel)).toMatchObject({
          l: 'failed',
          'l[1]/a': 'failed',
          'l[1]/b': 'cancelled',
        });
        await kernel.finish('own', 1);
        expect(kernel.status()).toBe('partial');
      }
    }
  });
});
