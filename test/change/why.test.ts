import { expect, it } from 'vitest';
import { RunReader } from '../../src/run-reader.js';
import { memoryRows } from '../../src/testing/memory-rows.js';
import { Kernel } from '../support/kernel.js';
import { action, chain, plan } from '../support/plans.js';
import { changesOf } from './support/changes.js';

it('S218 S172 why says what an operator has to do with a status', async () => {
  const kernel = new Kernel();
  const causesOf = async (node: string, run = 'r1') => {
    const { causes } = await new RunReader(
      memoryRows(kernel.storage),
      kernel.storage.artifacts,
    ).why(run, node);
    return Object.fromEntries(causes.map(({ code, message }) => [code, message]));
  };
  const change = changesOf(kernel);
  const by = 'ann';
  const version = plan([action('a'), action('b', { onFailure: 'replan' })], chain('a', 'b'));
  await kernel.start(version);
  await kernel.settle();
  await kernel.finish('a', 1);
  await kernel.fail('b');
  expect((await causesOf('b')).unblocks).toContain('an operator');
  await change.rollback('r1', 'a', { by });
  await kernel.settle();
  expect((await causesOf('b')).generation).toMatch(/^it is generation 2: ann went back to "a"/);
  const { graph, plan: written } = plan(
    [action('a'), action('b', { onFailure: 'replan' }), action('c')],
    chain('a', 'b', 'c'),
  );
  expect(graph.nodes).toHaveLength(3);
  await change.replan('r1', written, { by });
  await kernel.settle();
  await change.completeNode('r1', 'b', { by, output: 2, reason: 'done by phone' });
  await kernel.settle();
  expect(await causesOf('b')).toMatchObject({
    'operator-completed': 'ann had it completed: done by phone',
  });
  await change.skipNode('r1', 'a', { by });
  await kernel.settle();
  expect((await causesOf('a'))['operator-skipped']).toBe('ann had it skipped: skipped by ann');
  const { seq } = await change.fork('r1', { by, id: 'f' });
  await kernel.settle();
  expect((await causesOf('b', 'f'))['carried-over']).toBe(
    `it is carried over from run r1, as it was at event ${seq}`,
  );
});
