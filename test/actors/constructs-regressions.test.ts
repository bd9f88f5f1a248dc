/** Faults that random plans found, each in its smallest plan. */
import { expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, chain, edge, join, plan } from '../support/plans.js';

const begun = async (version: ReturnType<typeof plan>, concurrency = 100, input = {}) => {
  const kernel = new Kernel();
  await kernel.start(version, { concurrency, input });
  await kernel.settle();
  return kernel;
};
const loop = (id: string, nodes: readonly object[], more: object = {}) => ({
  kind: 'loop',
  id,
  body: { nodes },
  maxIterations: 1,
  ...more,
});

it('a join that is renewed with its input decides again at once where another input is enough', async () => {
  const again = { onFailure: 'backtrack', backtrack: { to: 'b' } };
  const edges = [edge('a', 'j'), edge('b', 'j')];
  const kernel = await begun(
    plan([action('a'), action('b', again), join('j', { rule: 'any' })], edges),
  );
  await kernel.finish('a', 1);
  expect(kernel.summary().nodes.j).toBe('completed');
  await kernel.fail('b');
  expect(kernel.summary().nodes).toMatchObject({ b: 'running', j: 'completed' });
});

it('a budget that is used up when all else is final does not keep from undoing', async () => {
  const compensate = { handler: 'work' };
  const version = plan([action('a', { compensate }), action('b')], chain('a', 'b'), {
    budget: { maxSteps: 1 },
  });
  const kernel = await begun(version);
  await kernel.finish('a', 1);
  expect(kernel.working()).toEqual(['~/a']);
  await kernel.finish('~/a');
  expect(kernel.status()).toBe('failed');
});

it('a loop in which nothing was touched ends with its run, without waiting for the grace', async () => {
  const version = plan(
    [action('a'), loop('l', [action('x')]), action('b')],
    [edge('a', 'l'), edge('a', 'b', { when: 'output.v', onError: 'fail' })],
  );
  const kernel = await begun(version);
  await kernel.finish('a', {});
  expect(kernel.status()).toBe('failed');
});

it('a map whose items are refused as they begin counts them as failed', async () => {
  const map = { kind: 'map', id: 'm', handler: 'work', inputSchema: { type: 'object' } };
  const settings = { items: 'inputs.list', policy: 'collect' };
  const kernel = await begun(plan([{ ...map, ...settings }]), 100, { list: [1, 2] });
  expect(kernel.summary().nodes.m).toBe('partial');
});

it('what begins inside a branch after a join made it pointless is called off with it', async () => {
  const edges = [edge('a', 'j'), edge('l', 'j'), edge('a', 'l')];
  const nodes = [
    action('a'),
    loop('l', [action('x')]),
    join('j', { rule: 'any', cancelRest: true }),
  ];
  const kernel = await begun(plan(nodes, edges));
  await kernel.finish('a', 1);
  expect(kernel.summary().nodes).toMatchObject({ l: 'cancelled', j: 'completed' });
  expect(kernel.status()).toBe('completed');
  expect(kernel.working()).toEqual([]);
});

it('a loop that fails has no output', async () => {
  const failing = loop('l', [action('x')], { maxIterations: 2, onFailure: 'continue' });
  const kernel = await begun(plan([failing]));
  await kernel.finish('l[1]/x', 1);
  await kernel.fail('l[2]/x');
  expect(kernel.status()).toBe('partial');
  expect(kernel.summary().outputs).toEqual({});
});

it('a node that is ready again in another generation waits in its new place', async () => {
  const again = { onFailure: 'backtrack', backtrack: { to: 's' } };
  const nodes = [{ kind: 'switch', id: 's' }, action('a', again), action('b'), action('c')];
  const kernel = await begun(plan(nodes, [edge('s', 'a'), edge('s', 'b')]), 1);
  expect(kernel.working()).toEqual(['a']);
  await kernel.fail('a');
  // Both a and b are ready again, behind c.
  expect(kernel.working()).toEqual(['c']);
  await kernel.finish('c');
  expect(kernel.working()).toEqual(['a']);
});

it('a process stop while a map is called off leaves no second record of it', async () => {
  const settings = { items: 'inputs.list', policy: 'fail-fast', onFailure: 'continue' };
  const map = { kind: 'map', id: 'm', handler: 'work', concurrency: 2, ...settings };
  const kernel = await begun(plan([map]), 100, { list: [1, 2, 3] });
  await kernel.fail('m[0]');
  await kernel.restart();
  expect(kernel.details('nodes.cancelled')).toHaveLength(1);
  expect(kernel.status()).toBe('partial');
});
