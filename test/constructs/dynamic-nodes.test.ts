import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, chain, edge, join, plan } from '../support/plans.js';

const add = (nodes: unknown[], edges: unknown[] = [], output: unknown = null) => ({
  ok: true,
  output,
  add: { nodes, edges },
});

describe('nodes that a node adds', () => {
  it('S150 run after it, are kept with the run, and survive a restart', async () => {
    const kernel = new Kernel();
    const version = plan([action('a'), action('z')], chain('a', 'z'));
    await kernel.start(version);
    await kernel.finish('a', add([action('n')], [edge('a', 'n')], 7));
    expect(kernel.attempt('n').input).toBe(7);
    expect(kernel.rows().record.planHash).not.toBe(version.hash);
    await kernel.restart();
    await kernel.finish('n', 'new');
    await kernel.finish('z');
    expect(kernel.status()).toBe('completed');
    expect(kernel.rows().nodeRuns.get('n')?.outputJson).toBe('"new"');
    expect(kernel.details('plan.extended')).toMatchObject([{ nodes: ['n'] }]);
  });

  it('S150 may lead on to nodes that are not decided yet', async () => {
    const kernel = new Kernel();
    const nodes = [action('a'), action('b'), join('j'), action('z')];
    const edges = [edge('a', 'j'), edge('b', 'j'), edge('j', 'z')];
    await kernel.start(plan(nodes, edges));
    await kernel.finish('a', add([action('n')], [edge('a', 'n'), edge('n', 'j')]));
    await kernel.finish('b', 2);
    expect(kernel.working()).toEqual(['n']);
    await kernel.finish('n', 3);
    expect(kernel.attempt('z').input).toEqual({ a: null, b: 2, n: 3 });
  });

  it.each([
    ['of no kind', add([{ kind: 'nothing', id: 'n' }]), 'unknown-kind'],
    ['with the id of another', add([action('b')]), 'duplicate-node-id'],
    ['whose edge leads nowhere', add([action('n')], [edge('n', 'x')]), 'unknown-target'],
    [
      'that make a cycle',
      add([action('n')], [edge('a', 'n'), edge('n', 'm'), edge('m', 'n')]),
      'unknown',
    ],
    [
      'behind a node that is not theirs',
      add([action('n')], [edge('b', 'n')]),
      'neither the adding',
    ],
    ['before a node that has started', add([action('n')], [edge('n', 'b')]), 'decided already'],
    ['that no handler serves', add([action('n', { handler: 'nobody' })]), 'no handler'],
    ['as no list', { ok: true, add: { nodes: 'x' } }, 'add must be'],
  ])('S150 %s are refused, and fail their node alone', async (_, result, message) => {
    const kernel = new Kernel();
    const adding = action('a', { onFailure: 'skip' });
    await kernel.start(plan([adding, action('b')]));
    const { planHash } = kernel.rows().record;
    await kernel.finish('a', result);
    expect(JSON.stringify(kernel.details('attempt.failed'))).toContain(message);
    expect(kernel.rows().record.planHash).toBe(planHash);
    await kernel.finish('b');
    expect(kernel.summary().nodes).toEqual({ a: 'skipped', b: 'completed' });
  });

  it('S150 may add more themselves', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('n0')]));
    for (let i = 0; i < 5; i++) {
      await kernel.finish(`n${i}`, add([action(`n${i + 1}`)], [edge(`n${i}`, `n${i + 1}`)], i));
    }
    await kernel.finish('n5');
    expect(kernel.status()).toBe('completed');
    expect(kernel.rows().nodeRuns.size).toBe(6);
  });

  it('S150 S152 S153 are not added to a run that is being cancelled, which undoes its work and ends', async () => {
    const kernel = new Kernel();
    const nodes = [action('made', { compensate: { handler: 'work' } }), action('a'), action('b')];
    await kernel.start(plan(nodes, [edge('made', 'a'), edge('made', 'b')]));
    await kernel.finish('made');
    await kernel.cancel();
    await kernel.finish('a', add([action('n')]));
    await kernel.fail('b');
    expect(kernel.working()).toEqual(['~/made']);
    await kernel.finish('~/made');
    expect(kernel.summary()).toMatchObject({ nodes: { a: 'completed' }, status: 'cancelled' });
    expect(kernel.log('r1', /^plan/)).toEqual([]);
  });
});
