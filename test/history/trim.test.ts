import { copyFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Environment, systemEnvironment } from '../../src/actors/environment.js';
import type { Journal } from '../../src/actors/ports.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { trim } from '../../src/history/trim.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { Seeded } from '../fault/seeded.js';
import { count, openTestStorage, startChild } from '../persistence/support/storage.js';
import { action, chain, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';
import {
  exported,
  finishVaried,
  HANDLERS,
  openOrchestrator,
  playVaried,
  startVaried,
} from './support/played-runs.js';

const DAY_MS = 86_400_000;
const TABLES = [
  ...['runs', 'node_runs', 'past_node_runs', 'past_inputs', 'actor_versions'],
  ...['attempts', 'run_events'],
  ...['checkpoints', 'tasks', 'responses', 'artifacts', 'timers', 'signals', 'run_keys'],
];

/** The time of the system, some days later. */
function later(days: number): Environment {
  const { clock } = systemEnvironment;
  const now = () => clock.now() + days * DAY_MS;
  return { ...systemEnvironment, clock: { ...clock, now } };
}

async function rowCounts(database: string): Promise<Record<string, number>> {
  const counts = await Promise.all(
    TABLES.map((name) => count(database, `select count(*) from ${name}`)),
  );
  return Object.fromEntries(TABLES.map((name, place) => [name, counts[place] ?? 0]));
}

const NOTHING = Object.fromEntries(TABLES.map((name) => [name, 0]));

async function ids({ runs }: Orchestrator): Promise<string[]> {
  return (await runs.list()).filter(({ id }) => /^r\d$/.test(id)).map(({ id }) => id);
}

describe('runs that ended long ago', () => {
  it('S173 S208 go with the runs of their subplans and all of their rows', async () => {
    const database = temporaryDatabase();
    const first = await openOrchestrator(database);
    await playVaried(first, 'r1');
    const { plan: draft } = plan([action('a')], []);
    await (
      await first.start(draft, { id: 'r2', singleton: { key: 'only', onConflict: 'refuse' } })
    ).result();
    await first.close();
    const orchestrator = await openOrchestrator(database, { environment: later(10) });
    const counted = await orchestrator.trim({ olderThanMs: 5 * DAY_MS, dryRun: true });
    expect(counted).toMatchObject({ runs: 3, trimmedRuns: 0, events: 0, dryRun: true });
    expect(await ids(orchestrator)).toEqual(['r2', 'r1']);
    const trimmed = await orchestrator.trim({ olderThanMs: 5 * DAY_MS });
    expect(trimmed).toEqual({ ...counted, dryRun: false });
    expect(await rowCounts(database)).toEqual(NOTHING);
    await expect(orchestrator.runs.summary('r1')).rejects.toMatchObject({ code: 'run-unknown' });
    const again = await orchestrator.start(draft, {
      id: 'r2',
      singleton: { key: 'only', onConflict: 'refuse' },
    });
    expect([again.created, (await again.result()).status]).toEqual([true, 'completed']);
  });

  it('S173 stay where they are younger, or a run that they are inside of goes on', async () => {
    const database = temporaryDatabase();
    const first = await openOrchestrator(database);
    await startVaried(first, 'r1');
    await first.close();
    const orchestrator = await openOrchestrator(database, { environment: later(10) });
    await playVaried(orchestrator, 'r2');
    const trimmed = await orchestrator.trim({ olderThanMs: 5 * DAY_MS });
    expect(trimmed).toMatchObject({ runs: 0, events: 0 });
    expect(await ids(orchestrator)).toEqual(['r2', 'r1']);
    const [child] = await orchestrator.runs.history.childrenOf('r1', 0);
    expect(child?.status).toBe('completed');
    await finishVaried(orchestrator, 'r1');
    expect(await orchestrator.runs.verify('r1')).toMatchObject({ ok: true });
  });

  it('S173 is refused with an age that is none', async () => {
    const orchestrator = await openOrchestrator(temporaryDatabase());
    for (const olderThanMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const trimmed = orchestrator.trim({ olderThanMs });
      await expect(trimmed).rejects.toMatchObject({ code: 'argument-invalid' });
    }
  });
});

describe('the old part of a log', () => {
  it('S160 S173 S208 goes, and what comes after it stays whole, also for the next process', async () => {
    const database = temporaryDatabase();
    const first = await openOrchestrator(database);
    await startVaried(first, 'r1');
    const events = await first.runs.events('r1');
    const before = await first.runs.replay('r1');
    const counted = await first.trim({ historyOlderThanMs: 0, dryRun: true });
    const trimmed = await first.trim({ historyOlderThanMs: 0 });
    expect(trimmed).toEqual({ ...counted, dryRun: false });
    expect(trimmed.trimmedRuns).toBe(2);
    const to = await count(database, `select trimmed_to from runs where id = 'r1'`);
    expect(await count(database, 'select min(seq) from run_events where run = 1')).toBe(to + 1);
    expect(await count(database, 'select min(seq) from checkpoints where run = 1')).toBe(to);
    expect(await first.runs.events('r1', to)).toEqual(events.slice(to));
    expect((await first.runs.stateAt('r1', to)).artifacts.length).toBeGreaterThan(0);
    await first.close();

    const next = await openOrchestrator(database);
    expect(await next.examine()).toEqual([]);
    expect(await next.runs.verify('r1')).toMatchObject({ ok: true, trimmedTo: to, hash: null });
    await finishVaried(next, 'r1');
    expect(await next.runs.verify('r1')).toMatchObject({ ok: true });
    const { nodes, status } = await next.runs.details('r1');
    expect(status).toBe('partial');
    expect(nodes.find(({ node }) => node === 'after')?.status).toBe('completed');
    expect(nodes.map(({ node }) => node)).toEqual(
      expect.arrayContaining(
        before.nodes.map(({ node }) => node).filter((path) => !/[[/]/.test(path)),
      ),
    );
    for (const { node } of nodes) await next.runs.why('r1', node);
  });

  it('S173 is asked for in vain, with an error that says so', async () => {
    const orchestrator = await openOrchestrator(temporaryDatabase());
    await startVaried(orchestrator, 'r1');
    await finishVaried(orchestrator, 'r1');
    const whole = await orchestrator.runs.result('r1');
    await orchestrator.trim({ historyOlderThanMs: 0 });
    const { runs } = orchestrator;
    const first = async () => orchestrator.events('r1').next();
    const reads = [
      () => runs.events('r1'),
      () => runs.stateAt('r1', 1),
      () => runs.replay('r1'),
      () => runs.replay('r1', { to: 3 }),
      () => exported(orchestrator, 'r1'),
      first,
    ];
    for (const read of reads) {
      await expect(read()).rejects.toMatchObject({ code: 'history-trimmed' });
    }
    // Of what failed at one time nobody knows the order any more.
    const byNode = ({ errors, ...rest }: typeof whole) => ({
      ...rest,
      errors: errors.map((error) => JSON.stringify(error)).sort(),
    });
    expect(byNode(await runs.result('r1'))).toEqual(byNode(whole));
  });

  it('S173 goes in bounded steps, between which runs go on', async () => {
    const database = temporaryDatabase();
    const first = await openOrchestrator(database);
    for (const id of ['r1', 'r2', 'r3', 'r4', 'r5']) await playVaried(first, id);
    await first.close();
    const storage = await openTestStorage(database);
    const orchestrator = await createOrchestrator({
      environment: later(10),
      handlers: HANDLERS,
      storage: { ...storage, close: async () => {} },
      recover: false,
    });
    const { plan: draft } = plan([action('a'), action('b')], chain('a', 'b'));
    const steps: number[] = [];
    const journal: Journal = {
      ...{ health: () => storage.journal.health(), close: () => storage.journal.close() },
      storePlan: (...one) => storage.journal.storePlan(...one),
      commit: (turn) => storage.journal.commit(turn),
      release: (run) => storage.journal.release(run),
      async write(rows) {
        // A whole run, from its start to its end, in the middle of the trim.
        const between = await orchestrator.start(draft, { id: `between-${steps.length}` });
        expect((await between.result()).status).toBe('completed');
        steps.push(rows.reduce((sum, row) => sum + ('keys' in row ? row.keys.length : 1), 0));
        await storage.journal.write(rows);
      },
    };
    const contents = storage.artifacts;
    const removing = { rows: orchestrator.runs.history, journal, contents };
    const now = Date.now() + 5 * DAY_MS;
    const trimmed = await trim(removing, now, { olderThanMs: 0, historyOlderThanMs: 0 });
    expect(trimmed).toMatchObject({ runs: 10, trimmedRuns: 0 });
    expect(steps.length).toBeGreaterThan(3);
    expect(Math.max(...steps)).toBeLessThan(1_000);
    expect((await orchestrator.runs.list()).every(({ id }) => id.startsWith('between-'))).toBe(
      true,
    );
    await orchestrator.close();
  });
});

const ROUNDS = Number(process.env.RUNCHART_FAULT_ROUNDS ?? 6);

describe('a trim that is killed', () => {
  it('S173 leaves whole runs, which the next one goes on from', async () => {
    const original = temporaryDatabase();
    const first = await openOrchestrator(original);
    for (const id of ['r1', 'r2']) await playVaried(first, id);
    await startVaried(first, 'r5');
    await first.close();
    const chance = new Seeded(Number(process.env.RUNCHART_FAULT_SEED ?? 1));
    for (let round = 0; round < ROUNDS; round++) {
      const database = temporaryDatabase();
      copyFileSync(original, database);
      await killAfter(database, chance.int(1, 12));
      const next = await openOrchestrator(database);
      expect(await next.examine()).toEqual([]);
      for (const { id } of await next.runs.list()) {
        expect(await next.runs.verify(id), `${id} in round ${round}`).toMatchObject({ ok: true });
      }
      await next.trim({ olderThanMs: 0, historyOlderThanMs: 0 });
      expect(await ids(next)).toEqual(['r5']);
      await finishVaried(next, 'r5');
      expect(await next.runs.verify('r5')).toMatchObject({ ok: true });
      await next.trim({ olderThanMs: 0 });
      expect(await rowCounts(database)).toEqual(NOTHING);
      await next.close();
    }
  }, 120_000);
});

/** Kills a process that trims once so many of its writes are durable. */
async function killAfter(database: string, writes: number): Promise<void> {
  const { child, lines, ended } = startChild('../../history/support/trimming-child.ts', [database]);
  let written = 0;
  for await (const line of lines) {
    if (line === 'trimmed') break;
    written += 1;
    if (written >= writes) child.kill('SIGKILL');
  }
  await ended;
}
