import { expect, it } from 'vitest';
import { simulatePlan } from '../../src/explain/simulate.js';
import { human } from '../people/asking.js';
import { action, approval, chain, type Draft, edge, plan } from '../support/plans.js';

async function simulated(nodes: readonly Draft[], edges: readonly Draft[]) {
  const simulation = await simulatePlan(plan(nodes, edges));
  expect(simulation).toMatchObject({ isComplete: true, warnings: [] });
  return simulation;
}

it('S217 goes every way out of a decision, an input and a review', async () => {
  const nodes = [
    human('decision', 'ask', { options: [{ id: 'a' }, { id: 'b' }], groups: ['g'] }),
    human('input', 'fact', { outputSchema: { type: 'boolean' } }),
    human('review-edit', 'edit', { rework: { to: 'fact' } }),
    action('yes'),
    action('no'),
  ];
  const edges = [
    edge('ask', 'fact', { on: 'a' }),
    edge('fact', 'edit'),
    edge('edit', 'yes', { when: 'outcome == "approved"' }),
    edge('edit', 'no', { when: 'outcome != "approved"' }),
  ];
  const { neverReached, neverTaken } = await simulated(nodes, edges);
  expect([neverReached, neverTaken]).toEqual([[], []]);
});

it('S205 S217 finds as many to vote as a quorum takes, and nobody who asked', async () => {
  const quorum = { approvals: 2, rejections: 2 };
  const nodes = [
    approval('ask', { responders: ['a', 'b', 'c'], quorum, fourEyes: true }),
    approval('all', { groups: ['g'], quorum: { approvals: 3 } }),
    action('after'),
  ];
  const { neverReached } = await simulated(nodes, chain('ask', 'all', 'after'));
  expect(neverReached).toEqual([]);
});
