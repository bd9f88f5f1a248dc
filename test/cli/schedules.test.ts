import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Schedule } from '../../src/schedules/schedule.js';
import type { RunSummary } from '../../src/views.js';
import { Workplace } from './support/workplace.js';

let place: Workplace;
let plan: string;
let handlers: string[];
beforeEach(() => {
  place = new Workplace();
  plan = place.write(
    'work.yaml',
    'title: Work\nnodes: [{ kind: action, id: only, handler: work }]\nedges: []\n',
  );
  handlers = ['--handlers', place.write('work.mjs', 'export default { work: () => "done" };')];
});
afterEach(() => place.leave());

const schedule = (...words: string[]) => place.cli('schedule', ...words);

async function json<T>(...words: string[]): Promise<T> {
  return JSON.parse((await place.cli(...words, '--json')).stdout) as T;
}

const BERLIN = ['--cron', '0 6 * * *', '--zone', 'Europe/Berlin'];

describe('schedule', () => {
  it('S222 creates, lists, shows, previews, pauses, resumes and removes without a server', async () => {
    const created = await schedule('create', 'nightly', plan, ...BERLIN, ...handlers);
    expect(created).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^schedule nightly occurs next at \d{4}-.* 0[45]:00:00 UTC\n$/),
    });
    expect((await schedule('list')).stdout).toMatch(
      /^SCHEDULE .*\nnightly +work +0 6 \* \* \* \(Europe\/Berlin\)/,
    );
    expect((await schedule('show', 'nightly')).stdout).toContain('overlap: skip; catch-up: latest');
    const { occurrences } = await json<{ occurrences: unknown[] }>(
      ...['schedule', 'preview', 'nightly', '--count', '3'],
    );
    expect(occurrences).toHaveLength(3);
    expect((await schedule('pause', 'nightly')).stdout).toContain('not while it is paused');
    expect(await json<Schedule>('schedule', 'show', 'nightly')).toMatchObject({ paused: true });
    expect((await schedule('resume', 'nightly')).code).toBe(0);
    expect((await schedule('remove', 'nightly')).code).toBe(0);
    expect(await schedule('show', 'nightly')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('schedule-unknown'),
    });
  });

  it('S222 triggers a run, and stays with it where no server runs', async () => {
    const options = ['--input', '{"a":1}', '--run-options', '{"metadata":{"team":"ops"}}'];
    await schedule('create', 's', plan, '--every', '1d', ...options, ...handlers);
    const { runOptions } = await json<Schedule>('schedule', 'show', 's');
    expect(runOptions).toEqual({ metadata: { team: 'ops' } });
    const { code, stdout } = await schedule('trigger', 's', ...handlers);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^run s:manual:\S+ is started\n/)]);
    expect(stdout).toMatch(/run s:manual:\S+ is completed/);
  });

  it('S222 names what is wrong with a cadence', async () => {
    const { code, stderr } = await schedule(
      ...['create', 's', plan, '--cron', '0 25 * * *', ...handlers],
    );
    expect([code === 0, stderr]).toEqual([false, expect.stringContaining('hour "25" at column 3')]);
    expect((await schedule('create', 's', plan, ...handlers)).code).toBe(2);
    expect((await schedule('create', 's', plan, '--every', 'often')).code).toBe(2);
  });

  it('S222 goes through the server that owns the database', async () => {
    await place.serve(plan, ...handlers);
    const created = await schedule('create', 's', plan, '--every', '1d', '--overlap', 'queue');
    expect(created.code).toBe(0);
    const { stdout } = await schedule('trigger', 's');
    const [, run = ''] = /^run (\S+) is started/.exec(stdout) ?? [];
    expect(await json<RunSummary>('show', run)).toMatchObject({ metadata: { schedule: 's' } });
    expect((await schedule('pause', 's')).code).toBe(0);
    expect((await schedule('resume', 's')).code).toBe(0);
    expect((await schedule('remove', 's')).code).toBe(0);
    expect(await json('schedule', 'list')).toEqual({ schedules: [] });
    expect(await schedule('pause', 's')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('schedule-unknown'),
    });
  });
});

it('S222 loses and doubles no occurrence when its server is killed with kill -9 again and again', async () => {
  const every = ['--every', '50ms', '--overlap', 'allow', '--catch-up', '1000'];
  await schedule('create', 's', plan, ...every, ...handlers);
  for (const lifeMs of [300, 170, 430]) {
    const { server } = await place.serve(plan, ...handlers);
    await new Promise((resolve) => setTimeout(resolve, lifeMs));
    await server.kill('SIGKILL');
  }
  const { server } = await place.serve(plan, ...handlers);
  await server.kill('SIGTERM');
  // Sets the record right, where a run was started and the process stopped before that was recorded.
  expect((await schedule('pause', 's')).code).toBe(0);
  const { runs } = await json<{ runs: RunSummary[] }>('runs', '--limit', '1000');
  const occurrences = runs.map(({ metadata }) => Number(metadata.occurrence)).sort((a, b) => a - b);
  const [first = 0] = occurrences;
  expect(occurrences.length).toBeGreaterThan(20);
  expect(occurrences).toEqual(occurrences.map((_, place) => first + place * 50));
  const { counters, createdAt } = await json<Schedule>('schedule', 'show', 's');
  expect(first - createdAt).toBeLessThanOrEqual(50);
  expect(counters).toMatchObject({ started: runs.length, missed: 0, skipped: 0 });
}, 60_000);
