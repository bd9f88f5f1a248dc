/** Webhooks of tenants over HTTP: whose they are, and what they are told. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/http/api/api.js';
import type { Webhook, WebhookWithSecret } from '../../src/index.js';
import { plan } from '../../src/plan/builder.js';
import { openReceiver, type RealReceiver } from '../delivery/support/real-receiver.js';
import { type Guarded, openGuarded } from './support/guarded.js';

const work = plan('Work').action('only', { handler: 'work' }).build();
const QUICK = { firstDelayMs: 1, maxDelayMs: 1, maxTries: 1 };

let site: Guarded;
let receiver: RealReceiver;
beforeEach(async () => {
  receiver = await openReceiver();
  const webhooks = { ...QUICK, allowPrivate: ['127.0.0.1'], allowTenants: true };
  site = await openGuarded({ work: () => 'done' }, {}, { webhooks });
});
afterEach(() => site.close());

async function ask<T>(tenant: string, method: string, path: string, body?: unknown) {
  const token = await site.token(tenant, ['admin']);
  const response = await site.ask(method, path, { token, body });
  return { status: response.status, body: (await response.json()) as T & { code?: string } };
}

async function add(tenant: string, id: string, more: object = {}): Promise<WebhookWithSecret> {
  const url = `${receiver.url}/${tenant}/${id}`;
  const { status, body } = await ask<WebhookWithSecret>(tenant, 'POST', '/webhooks', {
    ...{ url, id, types: ['run.completed'] },
    ...more,
  });
  expect(status).toBe(201);
  return body;
}

async function runOf(tenant: string, id: string): Promise<void> {
  await (await site.orchestrator.forTenant(tenant).start(work, { id })).result();
}

/** Which runs each webhook was told of, by the path of its receiver. */
function told(): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const { body, path } of receiver.taken) {
    const { data } = JSON.parse(body) as { data: { run: string } };
    all[path] = [...(all[path] ?? []), data.run].sort();
  }
  return all;
}

describe('webhooks of tenants', () => {
  it('S221 promise 14: each is told of the runs of its own tenant; those of the installation of all', async () => {
    const acme = await add('acme', 'hook');
    expect(acme.id).toBe('acme~hook');
    await add('globex', 'hook', { plan: 'Work' });
    await add('', 'hook');
    for (const tenant of ['acme', 'globex', 'initech', '']) await runOf(tenant, 'one');
    await site.orchestrator.webhooks.drain();
    expect(told()).toEqual({
      '/in/acme/hook': ['acme~one'],
      '/in/globex/hook': ['globex~one'],
      '/in//hook': ['acme~one', 'globex~one', 'initech~one', 'one'],
    });
  });

  it('S221 promise 14: one that failed catches up with runs of its tenant alone, also after a restart', async () => {
    receiver.status = 500;
    await add('acme', 'hook', { types: ['run.*'] });
    await runOf('acme', 'mine');
    await runOf('globex', 'theirs');
    await site.orchestrator.webhooks.drain();
    const { body } = await ask<{ deadLetters: { run: string }[] }>(
      ...(['acme', 'GET', '/webhooks/hook/dead-letters'] as const),
    );
    expect(new Set(body.deadLetters.map(({ run }) => run))).toEqual(new Set(['acme~mine']));
  });

  it('promise 14: each lists its own, the installation all, and none has a secret', async () => {
    await add('acme', 'a');
    await add('globex', 'g');
    await add('', 'h');
    const listed = async (tenant: string) => {
      const { body } = await ask<{ webhooks: Webhook[] }>(tenant, 'GET', '/webhooks');
      expect(JSON.stringify(body)).not.toContain('whsec_');
      return body.webhooks.map(({ id }) => id);
    };
    expect(await listed('acme')).toEqual(['acme~a']);
    expect(await listed('globex')).toEqual(['globex~g']);
    expect(await listed('initech')).toEqual([]);
    expect(await listed('')).toEqual(['acme~a', 'globex~g', 'h']);
  });

  const routes = ROUTES.filter(({ path }) => path.startsWith('/webhooks/{id}'));
  it('promise 14: another tenant’s is answered as one that is not there, by every route', async () => {
    receiver.status = 500;
    const before = await add('acme', 'hook');
    await add('', 'host');
    await runOf('acme', 'one');
    await site.orchestrator.webhooks.drain();
    const [letter] = await site.orchestrator.webhooks.deadLetters.list('acme~hook');
    const stateOf = () => site.orchestrator.webhooks.get('acme~hook');
    const state = await stateOf();
    const count = receiver.taken.length;
    for (const { method, path, operationId } of routes) {
      const at = (id: string) =>
        path.replace('{id}', id).replace('{message}', letter?.message ?? '');
      const body = method === 'post' ? {} : undefined;
      const asked = (id: string) => ask<object>('globex', method.toUpperCase(), at(id), body);
      for (const id of ['acme~hook', 'hook', 'host', '~host']) {
        const missing = await asked(id.replace(/[a-z]+$/, 'nobody'));
        const refused = await asked(id);
        expect([refused.status, refused.body.code], operationId).toEqual([404, 'webhook-unknown']);
        const named = (answer: object) =>
          JSON.stringify(answer).replace(/(hook|host|nobody)\\/, 'ID\\');
        expect(named(refused), operationId).toBe(named(missing));
      }
    }
    expect(await stateOf()).toEqual(state);
    expect(receiver.taken.length).toBe(count);
    expect(before.id).toBe('acme~hook');
  });

  it('S221 is changed, tested and removed by its local and by its full id, in its tenant', async () => {
    await add('acme', 'hook');
    const changed = await ask<Webhook>('acme', 'POST', '/webhooks/acme~hook/update', {
      description: 'mine',
    });
    expect(changed.body).toMatchObject({ id: 'acme~hook', description: 'mine' });
    const tested = await ask('acme', 'POST', '/webhooks/hook/test', {});
    expect(tested.body).toMatchObject({ accepted: true });
    const removed = await ask('acme', 'POST', '/webhooks/hook/remove', {});
    expect(removed).toMatchObject({ status: 200, body: { removed: true } });
    expect((await ask('acme', 'GET', '/webhooks/hook')).status).toBe(404);
  });

  it('promise 14: a hundred of one tenant leave another its own', async () => {
    const acme = site.orchestrator.forTenant('acme');
    for (let n = 0; n < 100; n += 1) await acme.webhooks.add({ url: receiver.url, id: `w${n}` });
    await expect(acme.webhooks.add({ url: receiver.url })).rejects.toMatchObject({
      code: 'overloaded',
    });
    await expect(acme.webhooks.add({ url: receiver.url, id: 'w1' })).rejects.toMatchObject({
      code: 'webhook-conflict',
    });
    await add('globex', 'w1');
  });
});

describe('where webhooks of tenants may go', () => {
  it('S221 promise 14: what is allowed to the installation is not allowed to tenants, unless it says so', async () => {
    await site.close();
    site = await openGuarded({}, {}, { webhooks: { ...QUICK, allowPrivate: ['127.0.0.1'] } });
    await add('', 'mine');
    const { status, body } = await ask('acme', 'POST', '/webhooks', { url: receiver.url });
    expect([status, body.code]).toEqual([422, 'webhook-invalid']);
    expect(await site.orchestrator.webhooks.test('mine')).toMatchObject({ accepted: true });
  });
});
