/** Events of all runs as tenants see them: nothing in them tells how much others do. */
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { TenantPositions } from '../../src/delivery/tenant-positions.js';
import type { HttpOptions } from '../../src/http/app.js';
import type { BusEvent, BusPage, Orchestrator } from '../../src/index.js';
import { plan } from '../../src/plan/builder.js';
import { openReceiver } from '../delivery/support/real-receiver.js';
import { bodyOf, STREAM } from '../http/support/site.js';
import { temporaryDatabase } from '../support/temporary.js';
import { openGuarded } from './support/guarded.js';

const work = plan('Work').action('only', { handler: 'work' }).build();
const handlers = { work: () => 'done' };

async function runsOf(orchestrator: Orchestrator, tenant: string, count: number): Promise<void> {
  const view = orchestrator.forTenant(tenant);
  for (let n = 0; n < count; n += 1) await (await view.start(work)).result();
}

async function guarded(options: HttpOptions = {}) {
  const webhooks = { allowPrivate: ['127.0.0.1'], allowTenants: true };
  const site = await openGuarded(handlers, options, { webhooks });
  onTestFinished(() => site.close());
  const eventsOf = async (tenant: string, query = '', headers = {}) =>
    site.ask('GET', `/events${query}`, { token: await site.token(tenant, ['admin']), headers });
  const pageOf = (tenant: string, query: string) => bodyOf<BusPage>(eventsOf(tenant, query));
  return { ...site, eventsOf, pageOf };
}

it('S187 promise 14: a tenant reads no number that grows with the work of others', async () => {
  const { orchestrator, pageOf, eventsOf } = await guarded();
  await runsOf(orchestrator, 'globex', 3);
  await runsOf(orchestrator, 'acme', 1);
  const { events, position } = await pageOf('acme', '?after=0/0');
  const own = orchestrator.bus.page({ after: '0/0', tenant: 'acme' });
  const global = (await own).events;
  expect(events.map(({ id }) => id)).toEqual(global.map(({ id }) => id));
  for (const text of [position, ...events.map((event) => event.position)]) {
    expect(text).toMatch(/^[\w-]{59}$/);
  }
  const turns = new Set(global.map(({ turn }) => turn));
  expect(events.filter(({ turn }) => turns.has(turn))).toEqual([]);
  const grouped = (all: readonly BusEvent[]) =>
    all.map(({ turn }) => all.findIndex((event) => event.turn === turn));
  expect(grouped(events)).toEqual(grouped(global));
  for (const [n, { position: at }] of events.entries()) {
    const rest = await pageOf('acme', `?after=${at}`);
    expect(rest.events).toEqual(events.slice(n + 1));
  }
  for (const after of [global[0]?.position, '999999/0']) {
    expect((await eventsOf('acme', `?after=${after}`)).status).toBe(400);
  }

  expect((await eventsOf('globex', `?after=${position}`)).status).toBe(400);
  expect((await eventsOf('globex', `?after=${position}`, STREAM)).status).toBe(400);
  const ends = [await pageOf('acme', ''), await pageOf('acme', '')];
  expect(ends[0]?.position).not.toBe(ends[1]?.position);
  expect((await pageOf('', '?after=0/0')).events).toEqual(
    (await orchestrator.bus.page({ after: '0/0', tenant: '' })).events,
  );
});

it('S187 a tenant goes on behind a position after a restart', async () => {
  const url = temporaryDatabase();
  const before = await createOrchestrator({ url, handlers });
  await runsOf(before, 'acme', 1);
  const { events, position } = await before.forTenant('acme').bus.page({ after: '0/0' });
  await before.close();
  const after = await createOrchestrator({ url, handlers });
  onTestFinished(() => after.close());
  const { bus } = after.forTenant('acme');
  expect((await bus.page({ after: '0/0' })).events).toEqual(events);
  await runsOf(after, 'acme', 1);
  const { events: rest } = await bus.page({ after: position });
  expect(rest).toHaveLength(events.length);
  const live = bus.events({ after: position });
  expect((await live.next()).value).toEqual(rest[0]);
  await live.return?.();
});

it('S221 promise 14: a webhook of a tenant is told turns that tell nothing of others', async () => {
  const receiver = await openReceiver();
  const { orchestrator } = await guarded();
  for (const tenant of ['acme', '']) {
    await orchestrator.forTenant(tenant).webhooks.add({ url: `${receiver.url}/${tenant}x` });
  }
  await runsOf(orchestrator, 'acme', 1);
  await orchestrator.webhooks.drain();
  const { events } = await orchestrator.bus.page({ after: '0/0' });
  const seen = (await orchestrator.forTenant('acme').bus.page({ after: '0/0' })).events;
  const turns = (path: string) =>
    receiver.taken
      .filter((taken) => taken.path.endsWith(path))
      .map(({ body }) => JSON.parse(body).data.turn);
  expect(turns('/x')).toEqual(events.map(({ turn }) => turn));
  expect(turns('/acmex')).toEqual(seen.map(({ turn }) => turn));
});

it('S187 promise 14: a silent stream says the same whether others are at work or not', async () => {
  const { orchestrator, eventsOf } = await guarded({ heartbeatMs: 20 });
  const response = await eventsOf('acme', '', STREAM);
  const ids: (string | undefined)[] = [];
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    const beats = text.split(': still here\n\n').slice(1);
    if (beats.length === 4) await runsOf(orchestrator, 'globex', 2);
    if (beats.length < 10) continue;
    for (const beat of beats.slice(0, -1)) ids.push(/^id: ([\w-]{59})$/m.exec(beat)?.[1]);
    break;
  }
  expect(ids.length).toBeGreaterThan(8);
  expect(ids).not.toContain(undefined);
  expect(new Set(ids).size).toBe(ids.length);
});

it('a stream that is refused counts as none', async () => {
  const { eventsOf } = await guarded({ maxStreams: 1 });
  for (let n = 0; n < 3; n += 1) {
    expect((await eventsOf('acme', '?types=..', STREAM)).status).toBe(400);
  }
  const open = await eventsOf('acme', '', STREAM);
  expect(open.status).toBe(200);
  await open.body?.cancel();
});

it('promise 14: a position opens in its tenant alone, unchanged alone', () => {
  const positions = new TenantPositions('secret');
  const place = { turn: 7, seq: 3 };
  const sealed = positions.seal('acme', place);
  expect(positions.seal('acme', place)).toBe(sealed);
  expect(positions.seal('acme', place, true)).not.toBe(sealed);
  expect(positions.open('acme', sealed)).toEqual(place);
  const changed = `${sealed.slice(0, 20)}${sealed[20] === 'A' ? 'B' : 'A'}${sealed.slice(21)}`;
  const refused = expect.objectContaining({ code: 'argument-invalid' });
  for (const text of [changed, sealed.slice(1), '7/3', '', 'x'.repeat(59)]) {
    expect(() => positions.open('acme', text)).toThrow(refused);
  }
  expect(() => positions.open('globex', sealed)).toThrow(refused);
  expect(() => new TenantPositions('other').open('acme', sealed)).toThrow(refused);
});

it('promise 14: a tenant that subscribes as often as it can leaves room for others', async () => {
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers });
  onTestFinished(() => orchestrator.close());
  const open = async (tenant: string) => {
    const events = orchestrator.forTenant(tenant).bus.events({ after: '0/0' });
    return events.next();
  };
  const own = Array.from({ length: 256 }, () => open('acme'));
  await expect(open('acme')).rejects.toMatchObject({ code: 'overloaded' });
  const other = open('globex');
  await runsOf(orchestrator, 'globex', 1);
  expect((await other).value?.type).toBe('run.created');
  await runsOf(orchestrator, 'acme', 1);
  for (const { value } of await Promise.all(own)) expect(value?.type).toBe('run.created');
});
