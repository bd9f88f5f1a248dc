/** What is listed as changed comes to what the run knows, whatever is done to it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { listChanges } from '../../src/context-changes.js';
import type { JsonValue } from '../../src/plan/json.js';
import { memoryRows } from '../../src/testing/memory-rows.js';
import { Kernel } from '../support/kernel.js';
import { action, chain, plan } from '../support/plans.js';

const IDS = ['a', 'b', 'c', 'd'];
const versionOf = (ids: readonly string[], title: string) =>
  plan(
    ids.map((id) => action(id, { title })),
    ids.length > 1 ? chain(...ids) : [],
  );

/** Outputs by node, made of one change after another. */
async function known(kernel: Kernel): Promise<Record<string, JsonValue>> {
  const values: Record<string, JsonValue> = {};
  const changes = await listChanges(memoryRows(kernel.storage), 1, 0, 10_000);
  for (const { op, node, value } of changes) {
    expect(op === 'delete', `${op} of ${node}`).toBe(node in values);
    if (op === 'set') values[node] = value ?? null;
    else delete values[node];
  }
  return values;
}

const step = fc.oneof(
  fc.record({ does: fc.constant('finish' as const), value: fc.nat(9) }),
  fc.record({ does: fc.constant('rollback' as const), node: fc.constantFrom(...IDS) }),
  fc.record({ does: fc.constant('complete' as const), node: fc.constantFrom(...IDS) }),
  fc.record({
    does: fc.constant('replan' as const),
    ids: fc.subarray(IDS, { minLength: 1 }),
    title: fc.constantFrom('A', 'B'),
  }),
);

it('S92 a set for each output that is given, a delete for each that goes, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const kernel = new Kernel();
      let ids: readonly string[] = IDS;
      await kernel.start(versionOf(IDS, 'A'));
      for (const taken of steps) {
        await kernel.settle();
        if (taken.does === 'finish') kernel.open()[0]?.return({ v: taken.value });
        else {
          const by = { by: 'op', reason: null };
          const version = taken.does === 'replan' ? versionOf(taken.ids, taken.title) : undefined;
          const replan = {
            type: 'run.replan',
            isDryRun: false,
            cancelRunning: true,
            ...by,
          } as const;
          const done =
            taken.does === 'rollback'
              ? kernel.send({ type: 'run.rollback', node: taken.node, ...by })
              : taken.does === 'complete'
                ? kernel.send({
                    ...{ type: 'node.complete', node: taken.node, ...by },
                    ...{ output: { by: 'hand' }, outcome: null, action: null },
                  })
                : kernel.send({ ...replan, version: version as never });
          await done.then(
            () => {
              if (taken.does === 'replan') ids = taken.ids;
            },
            () => {},
          );
        }
        await kernel.settle();
        const rows = ids.flatMap((id) => kernel.rows().nodeRuns.get(id) ?? []);
        const outputs = rows.flatMap(({ node, outputJson }) =>
          outputJson === null ? [] : [[node, JSON.parse(outputJson)] as const],
        );
        expect(await known(kernel)).toEqual(Object.fromEntries(outputs));
      }
      expect(kernel.complaints).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
