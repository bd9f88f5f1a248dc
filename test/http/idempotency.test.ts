/** Requests that name themselves with the header Idempotency-Key. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/http/api/api.js';
import { isKeyed } from '../../src/http/keyed-answer.js';
import { plan } from '../../src/plan/builder.js';
import { bodyOf, openSite, type Site } from './support/site.js';

const quick = plan('Quick').action('work', { handler: 'work' }).build();
const ask = plan('Ask').approval('gate').build();

let site: Site;
beforeAll(async () => {
  const plans = { quick: { plan: quick }, ask: { plan: ask } };
  site = await openSite({ work: () => 1 }, { plans });
});
afterAll(() => site.close());

interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly isReplayed: boolean;
  readonly body: unknown;
}

async function send(path: string, body: unknown, key: string, type = 'application/json') {
  const headers = { 'content-type': type, 'idempotency-key': key };
  const response = await site.post(path, body, headers);
  const answer: Answer = {
    status: response.status,
    location: response.headers.get('location'),
    isReplayed: response.headers.get('idempotency-replayed') === 'true',
    body: await response.json(),
  };
  return answer;
}

/** Sends a request twice and then another one under its key. Gives the first answer. */
async function thrice(path: string, body: unknown, other: unknown, between?: () => Promise<void>) {
  const key = `key of ${path}`;
  const first = await send(path, body, key);
  expect(first.isReplayed).toBe(false);
  await between?.();
  expect(await send(path, body, key)).toEqual({ ...first, isReplayed: true });
  // Nobody was answered this before.
  expect(await send(path, other, key)).toMatchObject({
    isReplayed: false,
    status: 422,
    body: { code: 'idempotency-key-reused' },
  });
  return first;
}

async function waiting(id: string): Promise<string> {
  await site.orchestrator.start(ask, { id });
  await site.orchestrator.settled(id);
  const [task] = (await site.orchestrator.runs.details(id)).tasks;
  return task?.id ?? '';
}

describe('the same request with its key', () => {
  it('S36 S220 starts one run, and is a 201 with its place again after the run has ended', async () => {
    const start = { plan: 'quick', input: { n: 1 } };
    const ended = async () => {
      const [run] = await site.orchestrator.runs.list({ limit: 1 });
      await site.orchestrator.result(run?.id ?? '');
    };
    const first = await thrice('/runs', start, { plan: 'quick', input: { n: 2 } }, ended);
    const { id } = first.body as { id: string };
    expect(first).toMatchObject({ status: 201, location: `/runs/${id}` });
  });

  it('S220 pauses a run once, and tells how the run was then', async () => {
    await waiting('paused');
    const first = await send('/runs/paused/pause', {}, 'p');
    expect(first.body).toMatchObject({ status: 'paused' });
    await send('/runs/paused/resume', {}, 'q');
    expect(await send('/runs/paused/pause', {}, 'p')).toEqual({ ...first, isReplayed: true });
    expect(await site.orchestrator.runs.summary('paused')).toMatchObject({
      status: 'awaiting-human',
    });
  });

  it('S220 answers a task, sends a signal, forks and annotates once', async () => {
    const task = await waiting('asked');
    await thrice('/runs/asked/signals', { name: 'ping' }, { name: 'pong' });
    await thrice('/runs/asked/metadata', { metadata: { a: 1 } }, { metadata: { a: 2 } });
    const fork = await thrice('/runs/asked/fork', { by: 'ada' }, { by: 'bob' });
    expect(fork).toMatchObject({ status: 201, body: { created: true } });
    const yes = { response: { approved: true } };
    await thrice(`/tasks/${task}/response`, yes, { response: { approved: false } });
    expect(await site.orchestrator.tasks.responses(task)).toHaveLength(1);
  });

  it('S220 makes one schedule, imports one run, and trims once', async () => {
    const cadence = { everyMs: 3_600_000 };
    const draft = { id: 's', plan: 'quick', cadence };
    const schedule = await thrice('/schedules', draft, { ...draft, id: 'other' });
    expect(schedule).toMatchObject({ status: 201, location: '/schedules/s' });
    await site.orchestrator.start(quick, { id: 'out' });
    await site.orchestrator.result('out');
    const file = await (await site.get('/runs/out/export')).text();
    const imported = () => send('/imports?as=in', file, 'i', 'application/x-ndjson');
    const first = await imported();
    expect(first).toMatchObject({ status: 201, body: { run: 'in', created: true } });
    expect(await imported()).toEqual({ ...first, isReplayed: true });
    const other = await send('/imports?as=in', `${file}\n`, 'i', 'application/x-ndjson');
    expect(other.body).toMatchObject({ code: 'idempotency-key-reused' });
    await thrice('/trim', { olderThanMs: 1e12 }, { olderThanMs: 2e12 });
  });

  it('S220 adds one webhook, changes its secret once, and shows neither secret again', async () => {
    const draft = { url: 'https://hooks.example.com/in', id: 'keyed' };
    const once = async (path: string, body: unknown) => {
      const first = await send(path, body, 'w');
      const { secret, ...rest } = first.body as { secret?: string };
      expect(secret).toMatch(/^whsec_/);
      expect(await send(path, body, 'w')).toEqual({ ...first, body: rest, isReplayed: true });
      return secret;
    };
    const added = await once('/webhooks', draft);
    expect(await once('/webhooks/keyed/rotate', {})).not.toBe(added);
    const other = await send('/webhooks', { ...draft, id: 'other' }, 'w');
    expect(other.body).toMatchObject({ code: 'idempotency-key-reused' });
    await thrice('/webhooks/keyed/update', { types: ['run.*'] }, { types: ['*'] });
    const removed = await send('/webhooks/keyed/remove', {}, 'w');
    expect(removed).toMatchObject({ status: 200, body: { removed: true } });
    expect(await send('/webhooks/keyed/remove', {}, 'w')).toEqual({ ...removed, isReplayed: true });
  });

  it('S220 makes one token, and shows its secret once', async () => {
    const body = { principal: 'ada', roles: ['reader'] };
    const first = await send('/tokens', body, 't');
    const { secret, ...rest } = first.body as { secret?: string };
    expect(secret).toMatch(/^rct_/);
    expect(await send('/tokens', body, 't')).toEqual({ ...first, body: rest, isReplayed: true });
    expect(await site.orchestrator.access.tokens()).toHaveLength(1);
  });

  it('S220 is answered once while it is under way', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => send('/runs', { plan: 'ask' }, 'at once')),
    );
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers.filter(({ isReplayed }) => !isReplayed)).toHaveLength(1);
  });

  it('S220 does nothing more where the answer was lost after the turn', async () => {
    const { id } = await site.orchestrator.start(ask, {
      idempotencyKey: 'cut off',
      metadata: {},
    });
    const answer = await send('/runs', { plan: 'ask' }, 'cut off');
    expect(answer).toMatchObject({ status: 201, body: { id }, isReplayed: false });
  });

  it('S220 is another request on another path', async () => {
    await Promise.all([waiting('one'), waiting('two')]);
    for (const run of ['one', 'two']) {
      const { status, isReplayed } = await send(`/runs/${run}/cancel`, {}, 'same');
      expect([status, isReplayed]).toEqual([200, false]);
    }
  });
});

describe('a refusal', () => {
  it('S220 stays one although the request would be taken by now', async () => {
    const first = await send('/runs/late/cancel', {}, 'k');
    expect(first).toMatchObject({ status: 404, body: { code: 'run-unknown' } });
    await waiting('late');
    expect(await send('/runs/late/cancel', {}, 'k')).toEqual({ ...first, isReplayed: true });
  });

  const keyed = ROUTES.filter(
    (route) => isKeyed(route) && route.body && !route.secrets && !route.knowsKeys,
  );
  it.each(keyed.map((route) => [`${route.method} ${route.path}`, route] as const))(
    'S220 %s is answered alike under its key',
    async (_name, { path, example = {} }) => {
      const asked = path.replace(/\{\w+\}/g, 'nobody');
      const first = await send(asked, example, 'all');
      expect(await send(asked, example, 'all')).toEqual({ ...first, isReplayed: true });
    },
  );

  it.each(['', 'x'.repeat(257)])('S220 is what a bad key gets', async (key) => {
    const answer = await send('/runs', { plan: 'quick' }, key);
    expect(answer).toMatchObject({ status: 400, body: { code: 'argument-invalid' } });
  });

  it('S220 is not met by reading: a key says nothing there', async () => {
    const headers = { 'idempotency-key': 'k' };
    expect(await bodyOf(site.get('/runs/late', headers))).toMatchObject({ id: 'late' });
    expect(await bodyOf(site.get('/runs?limit=1', headers))).toMatchObject({ runs: [{}] });
  });
});
