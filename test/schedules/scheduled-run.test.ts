/** Schedules of an orchestrator on a real file, in simulated time. */
import { createClient } from '@libsql/client/sqlite3';
import { describe, expect, it, vi } from 'vitest';
import type { Plan } from '../../src/plan/schema.js';
import { ASK, openPlace, type Place, WORK } from './support/place.js';

const HOUR_MS = 3_600_000;
const NIGHTLY = {
  id: 'nightly',
  plan: WORK,
  cadence: { cron: '0 6 * * *', timeZone: 'Europe/Berlin' },
  input: { depth: 3 },
};

/** Lets time pass up to a moment, and waits until `look` finds what it looks for. */
async function passTo<T>({ environment }: Place, at: number, look: () => Promise<T>): Promise<T> {
  const { clock } = environment;
  const lookAgain = () => {
    // Who is to be woken up at once is woken up when time passes.
    clock.advance(Math.max(at - clock.now(), 0));
    return look();
  };
  return vi.waitFor(lookAgain, { interval: 2, timeout: 5_000 });
}

async function onlyRun({ orchestrator }: Place) {
  const [run, ...others] = await orchestrator.runs.list();
  expect(others).toEqual([]);
  if (run === undefined) throw new Error('no run has been started');
  return run;
}

const idsOf = async ({ orchestrator }: Place) =>
  (await orchestrator.runs.list()).map(({ id }) => id);

describe('a schedule', () => {
  it('S39 S222 starts a run that records schedule, occurrence, plan and version, is pending, runs and ends', async () => {
    const place = await openPlace();
    const { orchestrator } = place;
    const schedule = await orchestrator.schedules.create({ ...NIGHTLY, label: 'audit' });
    const occurrence = schedule.dueAt ?? 0;
    const { id } = await passTo(place, occurrence, () => onlyRun(place));
    expect(id).toBe('nightly:20231115T050000.000Z');
    expect(await orchestrator.result(id)).toMatchObject({ status: 'completed' });
    const events = await orchestrator.runs.events(id, 0);
    const statuses = events
      .filter(({ type }) => type.startsWith('run.'))
      .map(({ detail }) => (detail as { to: string }).to);
    expect(statuses).toEqual(['pending', 'ready', 'running', 'completed']);
    const { metadata, plan: pinned, createdAt, inputs } = await orchestrator.runs.details(id);
    expect({ pinned, createdAt, inputs }).toEqual({
      pinned: schedule.plan,
      createdAt: occurrence,
      inputs: { depth: 3 },
    });
    expect(metadata).toEqual({
      schedule: 'nightly',
      occurrence,
      plan: 'audit',
      version: schedule.plan,
    });
    expect(place.complaints).toEqual([]);
  });

  it('S222 is pinned to the version of the plan that it was given', async () => {
    const place = await openPlace();
    const { schedules } = place.orchestrator;
    const first = await schedules.create(NIGHTLY);
    const other = { ...WORK, title: 'Changed' };
    const one = await schedules.trigger('nightly');
    const second = await schedules.update('nightly', { plan: other });
    expect([second.label, second.input]).toEqual(['Changed', { depth: 3 }]);
    expect(second.plan).not.toBe(first.plan);
    expect((await place.orchestrator.result(one.run)).status).toBe('completed');
    const at = second.dueAt ?? 0;
    const { plan: pinned } = await passTo(place, at, async () => {
      const [newest, ...rest] = await place.orchestrator.runs.list();
      expect(rest).toHaveLength(1);
      return newest as NonNullable<typeof newest>;
    });
    expect(pinned).toBe(second.plan);
    expect((await place.orchestrator.runs.summary(one.run)).plan).toBe(first.plan);
  });

  it('S222 skips what occurs while its run awaits a person, and goes on when that has ended', async () => {
    const place = await openPlace();
    const { orchestrator } = place;
    const { schedules } = orchestrator;
    const { dueAt } = await schedules.create({ id: 's', plan: ASK, cadence: { everyMs: HOUR_MS } });
    const first = await passTo(place, dueAt ?? 0, () => onlyRun(place));
    await passTo(place, (dueAt ?? 0) + HOUR_MS, async () => {
      expect((await schedules.get('s')).counters).toMatchObject({ started: 1, skipped: 1 });
    });
    await orchestrator.cancel(first.id);
    await orchestrator.result(first.id);
    await passTo(place, (dueAt ?? 0) + 2 * HOUR_MS, async () => {
      expect(await idsOf(place)).toHaveLength(2);
    });
  });

  it('S222 replaces its run, and starts the occurrence once that has ended', async () => {
    const place = await openPlace();
    const { schedules } = place.orchestrator;
    const cadence = { everyMs: HOUR_MS };
    const draft = { id: 's', plan: ASK, cadence, overlap: 'replace' } as const;
    const { dueAt } = await schedules.create(draft);
    const first = await passTo(place, dueAt ?? 0, () => onlyRun(place));
    await passTo(place, (dueAt ?? 0) + HOUR_MS, async () => {
      expect(await idsOf(place)).toHaveLength(2);
    });
    const { status, reason } = await place.orchestrator.runs.summary(first.id);
    expect([status, reason?.message]).toEqual([
      'cancelled',
      expect.stringContaining('replaced by the next occurrence'),
    ]);
  });

  it('S222 starts what waits in its queue after a restart', async () => {
    const first = await openPlace();
    const cadence = { everyMs: HOUR_MS };
    const { schedules } = first.orchestrator;
    const { dueAt } = await schedules.create({ id: 's', plan: ASK, cadence, overlap: 'queue' });
    const { id } = await passTo(first, dueAt ?? 0, () => onlyRun(first));
    await passTo(first, (dueAt ?? 0) + HOUR_MS, async () => {
      expect((await schedules.get('s')).queued).toHaveLength(1);
    });
    await first.orchestrator.close();
    const second = await openPlace({ after: first });
    await second.orchestrator.cancel(id);
    // The run is durable before its schedule knows of it.
    await vi.waitFor(async () => {
      expect(await idsOf(second)).toHaveLength(2);
      expect((await second.orchestrator.schedules.get('s')).queued).toEqual([]);
    });
  });

  it('S222 occurs in a process that recovers, and in no other', async () => {
    const first = await openPlace({ recover: false });
    const { dueAt } = await first.orchestrator.schedules.create(NIGHTLY);
    first.environment.clock.advance((dueAt ?? 0) - first.environment.clock.now() + 10 * HOUR_MS);
    expect((await first.orchestrator.schedules.get('nightly')).decidedUntil).toBeLessThan(
      dueAt ?? 0,
    );
    await first.orchestrator.close();
    expect(first.environment.clock.next).toBeUndefined();
    const second = await openPlace({ after: first });
    expect((await onlyRun(second)).metadata.occurrence).toBe(dueAt);
    expect((await second.orchestrator.schedules.get('nightly')).counters.started).toBe(1);
  });

  it('S222 starts nothing once its process is closing, and its next process goes on', async () => {
    const first = await openPlace();
    const { dueAt } = await first.orchestrator.schedules.create(NIGHTLY);
    await first.orchestrator.close();
    first.environment.clock.advance((dueAt ?? 0) - first.environment.clock.now());
    expect(first.complaints).toEqual([]);
    const second = await openPlace({ after: first });
    expect(await idsOf(second)).toEqual(['nightly:20231115T050000.000Z']);
  });

  it('S222 triggers a run, lists and previews, and is removed', async () => {
    const { orchestrator } = await openPlace();
    const { schedules } = orchestrator;
    const { dueAt, created } = await schedules.create(NIGHTLY);
    expect([created, (await schedules.create(NIGHTLY)).created]).toEqual([true, false]);
    await schedules.pause('nightly');
    const { run, outcome } = await schedules.trigger('nightly');
    expect(outcome).toBe('started');
    expect((await orchestrator.result(run)).status).toBe('completed');
    expect((await orchestrator.runs.summary(run)).metadata).toMatchObject({ manual: true });
    expect((await schedules.preview('nightly', 1))[0]?.occurrence).toBe(dueAt);
    expect((await schedules.resume('nightly')).dueAt).toBe(dueAt);
    expect((await schedules.list()).map(({ id }) => id)).toEqual(['nightly']);
    expect(await schedules.remove('nightly')).toBe(true);
    expect(await schedules.list()).toEqual([]);
  });

  it('S222 starts runs with the options that it has, also in its next process', async () => {
    const first = await openPlace();
    const runOptions = {
      metadata: { team: 'ops', schedule: 'of their own', manual: true },
      priority: 7,
      deadlineMs: 60_000,
      budget: { maxAttempts: 3 },
      concurrency: 2,
    };
    const options = { ...NIGHTLY, runOptions };
    const { dueAt } = await first.orchestrator.schedules.create(options);
    expect((await first.orchestrator.schedules.create(options)).created).toBe(false);
    await first.orchestrator.close();
    first.environment.clock.advance((dueAt ?? 0) - first.environment.clock.now());
    const second = await openPlace({ after: first });
    const { orchestrator } = second;
    expect((await orchestrator.schedules.get('nightly')).runOptions).toEqual(runOptions);
    const { metadata } = await onlyRun(second);
    const client = createClient({ url: `file:${first.url}` });
    const { rows } = await client.execute('select settings_json, concurrency from runs');
    client.close();
    const [{ settings_json: settings, concurrency }] = rows as unknown as [Record<string, unknown>];
    expect(metadata).toMatchObject({ team: 'ops', schedule: 'nightly' });
    expect(metadata).not.toHaveProperty('manual');
    expect(JSON.parse(String(settings))).toMatchObject({
      priority: 7,
      deadlineMs: 60_000,
      budget: { maxAttempts: 3 },
    });
    expect(concurrency).toBe(2);
    const changed = await orchestrator.schedules.update('nightly', { runOptions: { priority: 1 } });
    expect(changed.runOptions).toEqual({ priority: 1 });
  });

  it.each([
    ['a priority', { priority: -1 }, 'argument-invalid'],
    ['a concurrency', { concurrency: 0 }, 'argument-invalid'],
    ['a budget', { budget: { maxAttempts: 'many' } }, 'argument-invalid'],
    ['a list as metadata', { metadata: ['a'] }, 'argument-invalid'],
    ['too much metadata', { metadata: { text: 'x'.repeat(40_000) } }, 'argument-invalid'],
    ['an option of its own', { id: 'run' }, 'schedule-invalid'],
    ['what is no number', { deadlineMs: () => 1 }, 'argument-invalid'],
    ['no budget', { budget: null }, 'argument-invalid'],
  ])('S222 is refused where %s would refuse its runs', async (_what, runOptions, code) => {
    const { schedules } = (await openPlace()).orchestrator;
    const create = schedules.create({ ...NIGHTLY, runOptions: runOptions as never });
    await expect(create).rejects.toMatchObject({ code });
    await schedules.create(NIGHTLY);
    const update = schedules.update('nightly', { runOptions: runOptions as never });
    await expect(update).rejects.toMatchObject({ code });
  });

  it('S222 is refused where its plan could not be started', async () => {
    const { orchestrator } = await openPlace({ handlers: {} });
    const { schedules } = orchestrator;
    await expect(schedules.create(NIGHTLY)).rejects.toMatchObject({ code: 'handler-missing' });
    const strict = { ...ASK, inputs: { type: 'object', required: ['depth'] } } as Plan;
    const draft = { id: 's', plan: strict, cadence: { everyMs: HOUR_MS } };
    await expect(schedules.create(draft)).rejects.toMatchObject({ code: 'input-invalid' });
    await schedules.create({ ...draft, input: { depth: 1 } });
    const changed = schedules.update('s', { input: {} });
    await expect(changed).rejects.toMatchObject({ code: 'input-invalid' });
    const another = schedules.create({ ...draft, input: { depth: 2 } });
    await expect(another).rejects.toMatchObject({ code: 'schedule-conflict' });
    await expect(schedules.trigger('none')).rejects.toMatchObject({ code: 'schedule-unknown' });
  });
});
