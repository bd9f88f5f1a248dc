import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../src/http/app.js';
import { plan } from '../../src/plan/builder.js';
import type { Schedule } from '../../src/schedules/schedule.js';
import { bodyOf, openSite, type Site } from './support/site.js';

const quick = plan('Quick').action('draft', { handler: 'draft' }).build();
const NIGHTLY = {
  id: 'nightly',
  plan: 'quick',
  cadence: { cron: '0 6 * * *', timeZone: 'Europe/Berlin' },
  input: { depth: 3 },
};

let site: Site;
beforeAll(async () => {
  site = await openSite({ draft: () => 'text' }, { plans: { quick: { plan: quick } } });
});
afterAll(() => site.close());

async function problem(response: Promise<Response>): Promise<Problem> {
  const answer = await response;
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const body = await bodyOf<Problem>(answer);
  expect(body.status).toBe(answer.status);
  return body;
}

describe('schedules', () => {
  it('S222 are created with 201 and a Location, and again with 200', async () => {
    const first = await site.post('/schedules', NIGHTLY);
    expect([first.status, first.headers.get('location')]).toEqual([201, '/schedules/nightly']);
    expect(await bodyOf<Schedule>(first)).toMatchObject({
      id: 'nightly',
      label: 'quick',
      overlap: 'skip',
      catchUp: 'latest',
      paused: false,
      counters: { started: 0 },
    });
    expect((await site.post('/schedules', NIGHTLY)).status).toBe(200);
    const other = site.post('/schedules', { ...NIGHTLY, jitterMs: 5 });
    expect(await problem(other)).toMatchObject({ code: 'schedule-conflict', status: 409 });
  });

  it('S222 start runs with the options that a client says, but for metadata that are reserved', async () => {
    const create = (id: string, body: object) =>
      site.post('/schedules', { ...NIGHTLY, id, ...body });
    const runOptions = { priority: 4, metadata: { team: 'ops' } };
    const made = await bodyOf<Schedule>(create('with', { runOptions }));
    expect(made.runOptions).toEqual(runOptions);
    const update = async (body: object) => {
      const changed = await bodyOf<Schedule>(site.post('/schedules/with/update', body));
      return changed.runOptions;
    };
    expect(await update({ overlap: 'allow' })).toEqual(runOptions);
    expect(await update({ plan: quick })).toEqual(runOptions);
    expect(await update({ runOptions: { priority: 1 } })).toEqual({ priority: 1 });
    const reserved = { runOptions: { metadata: { 'runchart.handlers': '/elsewhere.mjs' } } };
    const refused = { status: 400, code: 'argument-invalid' };
    expect(await problem(create('other', reserved))).toMatchObject(refused);
    expect(await problem(site.post('/schedules/with/update', reserved))).toMatchObject(refused);
    await site.post('/schedules/with/remove');
  });

  it('S222 are listed, read and previewed', async () => {
    await site.post('/schedules', { ...NIGHTLY, id: 'other', cadence: { everyMs: 3_600_000 } });
    const list = (query: string) =>
      bodyOf<{ schedules: Schedule[] }>(site.get(`/schedules${query}`));
    const ids = ({ schedules }: { schedules: Schedule[] }) => schedules.map(({ id }) => id);
    expect(ids(await list(''))).toEqual(['nightly', 'other']);
    expect(ids(await list('?limit=1'))).toEqual(['nightly']);
    expect(ids(await list('?after=nightly'))).toEqual(['other']);
    const { dueAt } = await bodyOf<Schedule>(site.get('/schedules/other'));
    const preview = site.get('/schedules/other/occurrences?count=2');
    expect(await bodyOf(preview)).toEqual({
      occurrences: [0, 3_600_000].map((ms) => ({
        occurrence: (dueAt ?? 0) + ms,
        startsAt: (dueAt ?? 0) + ms,
      })),
    });
  });

  it('S222 are paused, resumed, changed, triggered and removed', async () => {
    const draft = { id: 's', plan: quick, cadence: { everyMs: 3_600_000 } };
    expect((await bodyOf<Schedule>(site.post('/schedules', draft))).label).toBe('Quick');
    const post = (verb: string, body?: unknown) => site.post(`/schedules/s/${verb}`, body);
    expect(await bodyOf(post('pause'))).toMatchObject({ paused: true, dueAt: null });
    expect(await bodyOf(post('resume'))).toMatchObject({ paused: false });
    expect(await bodyOf(post('update', { overlap: 'queue', plan: 'quick' }))).toMatchObject({
      overlap: 'queue',
      label: 'quick',
    });
    const triggered = await bodyOf<{ run: string; outcome: string }>(post('trigger'));
    expect(triggered.outcome).toBe('started');
    await site.orchestrator.result(triggered.run);
    expect(await bodyOf(site.get(`/runs/${triggered.run}`))).toMatchObject({
      status: 'completed',
      metadata: { schedule: 's', plan: 'quick', manual: true },
    });
    expect(await bodyOf(post('remove'))).toEqual({ schedule: 's', removed: true });
    expect(await problem(post('remove'))).toMatchObject({ code: 'schedule-unknown', status: 404 });
  });

  it('S222 are refused with what is wrong', async () => {
    const create = (changes: object) =>
      problem(site.post('/schedules', { ...NIGHTLY, id: 'w', ...changes }));
    expect(await create({ cadence: { cron: '0 25 * * *' }, overlap: 'never' })).toMatchObject({
      code: 'schedule-invalid',
      status: 422,
      issues: [{ path: '/overlap' }, { path: '/cadence/cron' }],
    });
    expect(await create({ cadence: undefined })).toMatchObject({ code: 'argument-invalid' });
    expect(await create({ surprise: 1 })).toMatchObject({ code: 'argument-invalid' });
    expect(await create({ plan: 'none' })).toMatchObject({ code: 'plan-unknown', status: 404 });
    const without = plan('Without').action('draft', { handler: 'none' }).build();
    expect(await create({ plan: without })).toMatchObject({ code: 'handler-missing' });
    expect(await problem(site.get('/schedules/none'))).toMatchObject({ code: 'schedule-unknown' });
    expect(await problem(site.get('/schedules/none/pause'))).toMatchObject({ status: 405 });
  });
});
