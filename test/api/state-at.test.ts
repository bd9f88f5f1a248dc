import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { RunEvent } from '../../src/views.js';
import { action, approval, edge, join, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const { plan: draft } = plan(
  [
    action('list'),
    action('check', { retry: { maxAttempts: 2 } }),
    action('lint'),
    join('checked'),
    approval('review'),
    action('publish'),
    action('never'),
  ],
  [
    edge('list', 'check'),
    edge('list', 'lint'),
    edge('check', 'checked'),
    edge('lint', 'checked'),
    edge('checked', 'review'),
    edge('review', 'publish'),
    edge('publish', 'never'),
  ],
);

/** What the events up to `seq` say, by the words in them. */
function foldStatuses(events: readonly RunEvent[], seq: number) {
  let status = 'pending';
  const nodes = new Map(draft.nodes.map(({ id }) => [id, 'pending']));
  for (const { type, node, detail } of events.filter((event) => event.seq <= seq)) {
    if (type.startsWith('run.') && typeof detail.to === 'string') status = detail.to;
    if (type === 'nodes.cancelled') {
      for (const [id, was] of nodes) if (was === 'pending') nodes.set(id, 'cancelled');
    }
    if (type.startsWith('node.') && node !== null && typeof detail.to === 'string') {
      nodes.set(node, detail.to);
    }
  }
  return { status, nodes: Object.fromEntries(nodes) };
}

describe('a run as it was', () => {
  it('S160 S163 at every checkpoint is what its events up to there say', async () => {
    let isFirst = true;
    const orchestrator = await createOrchestrator({
      url: temporaryDatabase(),
      handlers: {
        work: (_input: unknown, { node }: { node: string }) => {
          if (node === 'check' && isFirst) {
            isFirst = false;
            throw new Error('once');
          }
          return { ok: true, output: node, artifacts: [{ name: node, kind: 'text', payload: 1 }] };
        },
      },
    });
    onTestFinished(() => orchestrator.close());
    await orchestrator.start(draft, { id: 'r1' });
    expect(await orchestrator.settled('r1')).toBe('awaiting-human');
    await orchestrator.cancel('r1', { reason: 'enough' });
    expect((await orchestrator.result('r1')).status).toBe('cancelled');

    const events = await orchestrator.runs.events('r1');
    const causes = new Set<string>();
    for (const { seq } of turnEnds(events)) {
      const state = await orchestrator.runs.stateAt('r1', seq);
      const nodes = Object.fromEntries(state.nodes.map(({ node, status }) => [node, status]));
      expect({ seq, status: state.status, nodes }).toEqual({ seq, ...foldStatuses(events, seq) });
      causes.add(state.cause);
    }
    expect(causes).toEqual(new Set(['run.start', 'attempt.result', 'run.cancel']));
    const { artifacts } = await orchestrator.runs.stateAt('r1', events.length);
    expect(artifacts.map(({ name }) => name).sort()).toEqual(['check', 'lint', 'list']);
    expect((await orchestrator.runs.stateAt('r1', 1)).artifacts).toEqual([]);
  });

  it('S160 is refused at an event that the run does not have', async () => {
    const orchestrator = await createOrchestrator({
      url: temporaryDatabase(),
      handlers: { work: () => 1 },
    });
    onTestFinished(() => orchestrator.close());
    const run = await orchestrator.start(plan([action('a')]).plan);
    await run.result();
    const code = { code: 'argument-invalid' };
    await expect(orchestrator.runs.stateAt(run.id, 0)).rejects.toMatchObject(code);
    await expect(orchestrator.runs.stateAt(run.id, 999)).rejects.toMatchObject(code);
  });
});

/** The last event of each turn: every message of this run begins its turn with one of these. */
function turnEnds(events: readonly RunEvent[]): RunEvent[] {
  const starts = new Set(['artifact.stored', 'attempt.failed', 'run.cancel-requested', undefined]);
  return events.filter((_, i) => starts.has(events[i + 1]?.type));
}
