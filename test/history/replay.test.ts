import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { count, tamper } from '../persistence/support/storage.js';
import { action, approval, edge, join, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const { plan: draft } = plan(
  [action('list'), action('check', { retry: { maxAttempts: 2 } }), join('both'), approval('sign')],
  [edge('list', 'both', { when: 'output == "list"' }), edge('check', 'both'), edge('both', 'sign')],
);

let called = 0;

async function open(database: string): Promise<Orchestrator> {
  called = 0;
  const orchestrator = await createOrchestrator({
    url: database,
    handlers: {
      work: (_input: unknown, { node, attempt }: { node: string; attempt: number }) => {
        called += 1;
        if (node === 'check' && attempt === 1) throw new Error('once');
        return { ok: true, output: node, artifacts: [{ name: node, kind: 'text', payload: 1 }] };
      },
    },
  });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

async function openWithRun(database = temporaryDatabase()) {
  const orchestrator = await open(database);
  await orchestrator.start(draft, { id: 'r1' });
  expect(await orchestrator.settled('r1')).toBe('awaiting-human');
  return { orchestrator, database };
}

describe('a replay', () => {
  it('S163 S169 gives the run at any event, failures and waits included, and executes nothing', async () => {
    const { orchestrator, database } = await openWithRun();
    const calls = called;
    const turns = await count(database, 'select count(*) from checkpoints');
    const events = await orchestrator.runs.events('r1');
    let compared = 0;
    for (const { seq } of events) {
      const at = await orchestrator.runs.replay('r1', { to: seq });
      expect(at.differences, `at event ${seq}`).toEqual([]);
      expect(at.seq).toBe(seq);
      if (at.matches) compared += 1;
    }
    expect(compared).toBe(turns);
    const failed = events.find(({ type }) => type === 'attempt.failed');
    const { attempts } = await orchestrator.runs.replay('r1', { to: failed?.seq ?? 0 });
    expect(attempts.find(({ node }) => node === 'check')?.outcome).toBe('failed');
    const newest = await orchestrator.runs.replay('r1');
    expect(newest).toMatchObject({ status: 'awaiting-human', matches: true });
    expect(newest.tasks).toMatchObject([{ node: 'sign', status: 'open' }]);
    expect(newest.nodes.find(({ node }) => node === 'list')?.edges).toBe('t');
    expect(newest.artifacts.map(({ name }) => name).sort()).toEqual(['check', 'list']);
    expect(called).toBe(calls);
    expect(await count(database, 'select count(*) from checkpoints')).toBe(turns);
  });

  it('S163 S169 has the same hash in another process', async () => {
    const { orchestrator, database } = await openWithRun();
    await orchestrator.cancel('r1');
    await orchestrator.result('r1');
    const { hash } = await orchestrator.runs.replay('r1');
    await orchestrator.close();
    const again = await open(database);
    expect(await again.runs.replay('r1')).toMatchObject({ hash, matches: true });
    expect(called).toBe(0);
  });

  it('S163 names what is stored and does not follow from the events', async () => {
    const { orchestrator, database } = await openWithRun();
    expect(await orchestrator.runs.verify('r1')).toMatchObject({ ok: true, findings: [] });
    await tamper(database, `update node_runs set edges = 'd' where node = 'list'`);
    const { matches, differences } = await orchestrator.runs.replay('r1');
    expect(matches).toBe(false);
    expect(differences).toMatchObject([
      { part: 'nodes', key: 'list', events: { edges: 't' }, rows: { edges: 'd' } },
    ]);
    expect(await orchestrator.runs.verify('r1')).toMatchObject({ ok: false, findings: [] });
  });

  it('S163 finds a log that was changed by its hash chain', async () => {
    const { orchestrator, database } = await openWithRun();
    await tamper(database, `update run_events set at = at + 1 where seq = 3`);
    const { ok, findings } = await orchestrator.runs.verify('r1');
    expect([ok, findings.map(({ code }) => code)]).toEqual([false, ['chain-broken']]);
  });

  it('S169 is refused for an event that is not there', async () => {
    const { orchestrator } = await openWithRun();
    for (const to of [0, 1.5, 10_000]) {
      await expect(orchestrator.runs.replay('r1', { to })).rejects.toMatchObject({
        code: 'argument-invalid',
      });
    }
    await expect(orchestrator.runs.replay('r2')).rejects.toMatchObject({ code: 'run-unknown' });
  });
});
