/** Webhooks over HTTP: what operators ask, and what a receiver is sent. */
import { Webhook as Signer } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeadLetter, Webhook, WebhookWithSecret } from '../../src/index.js';
import { plan } from '../../src/plan/builder.js';
import { openReceiver, type RealReceiver } from '../delivery/support/real-receiver.js';
import { openSite, type Site } from './support/site.js';

const work = plan('Work').action('only', { handler: 'work' }).build();

let site: Site;
let receiver: RealReceiver;
beforeEach(async () => {
  receiver = await openReceiver();
  const webhooks = { allowPrivate: ['127.0.0.1'], firstDelayMs: 1, maxDelayMs: 1, maxTries: 2 };
  site = await openSite({ work: () => 'done' }, {}, { webhooks });
});
afterEach(() => site.close());

async function json<T>(answer: Response | Promise<Response>): Promise<T> {
  return (await (await answer).json()) as T;
}

async function add(body: object = {}): Promise<WebhookWithSecret> {
  const answer = await site.post('/webhooks', { url: receiver.url, ...body });
  expect(answer.status).toBe(201);
  return json(answer);
}

async function runOnce(): Promise<void> {
  await (await site.orchestrator.start(work)).result();
  await site.orchestrator.webhooks.drain();
}

describe('webhooks over HTTP', () => {
  it('S221 a receiver verifies what it is sent with the secret that adding it showed, once', async () => {
    const { secret, ...webhook } = await add({ id: 'one', types: ['run.completed'] });
    await runOnce();
    const [taken] = receiver.taken;
    expect(receiver.taken.map(({ type }) => type)).toEqual(['run.completed']);
    const headers = taken?.headers as Record<string, string>;
    const verified = new Signer(secret).verify(taken?.body ?? '', headers);
    expect(verified).toMatchObject({ type: 'run.completed', data: { type: 'run.completed' } });
    expect(headers['content-type']).toBe('application/json');
    const listed = await site.get('/webhooks');
    const text = await listed.text();
    expect(text).not.toContain(secret);
    expect((JSON.parse(text) as { webhooks: Webhook[] }).webhooks).toEqual([webhook]);
    expect(await json(site.get('/webhooks/one'))).toEqual(webhook);
  });

  it('S221 a webhook is changed, rotated, tested and removed', async () => {
    const { id, secret } = await add();
    const at = (verb: string) => `/webhooks/${id}/${verb}`;
    const changed = await json<Webhook>(
      site.post(at('update'), { types: ['run.*'], plan: 'Work' }),
    );
    expect(changed).toMatchObject({ types: ['run.*'], plan: 'Work', disabled: null });
    const disabled = await json<Webhook>(site.post(at('update'), { disabled: true, plan: null }));
    expect(disabled).toMatchObject({ plan: null, disabled: { code: 'by-request' } });
    await runOnce();
    expect(receiver.taken).toEqual([]);
    const rotated = await json<WebhookWithSecret>(site.post(at('rotate'), { overlapMs: 1_000 }));
    expect(rotated.secret).not.toBe(secret);
    expect(rotated.oldSecretUntil).toBeGreaterThan(Date.now() - 1_000);
    expect(await json(site.post(at('test')))).toEqual({ accepted: true, status: 204, error: null });
    expect(receiver.taken.map(({ type }) => type)).toEqual(['webhook.test']);
    expect(await json(site.post(at('remove')))).toEqual({ webhook: id, removed: true });
    expect((await site.post(at('remove'))).status).toBe(404);
  });

  it('S121 S221 dead letters are listed, read, sent again and discarded', async () => {
    const { id } = await add({ types: ['node.*'] });
    receiver.status = 422;
    await runOnce();
    const list = async () =>
      (await json<{ deadLetters: DeadLetter[] }>(site.get(`/webhooks/${id}/dead-letters`)))
        .deadLetters;
    const letters = await list();
    expect(letters.map(({ type }) => type)).toEqual([
      'node.ready',
      'node.started',
      'node.completed',
    ]);
    const [first, second] = letters.map(({ message }) => `/webhooks/${id}/dead-letters/${message}`);
    expect(await json(site.get(first ?? ''))).toMatchObject({
      body: { type: 'node.ready' },
      tries: 2,
    });
    expect(await json(site.post(`${first}/redeliver`))).toMatchObject({
      accepted: false,
      status: 422,
    });
    receiver.status = 200;
    expect(await json(site.post(`${first}/redeliver`))).toMatchObject({ accepted: true });
    expect(await json(site.post(`${second}/discard`))).toMatchObject({ discarded: true });
    expect((await list()).map(({ type }) => type)).toEqual(['node.completed']);
    expect((await site.get(first ?? '')).status).toBe(404);
    const pageBehind = async (letter: DeadLetter | undefined) =>
      (await site.get(`/webhooks/${id}/dead-letters?limit=1&after=${letter?.message}`)).status;
    // Behind one that is gone there is no page: an empty one would say that there are no more.
    expect([await pageBehind(letters[2]), await pageBehind(letters[1])]).toEqual([200, 404]);
  });

  it.each([
    ['an address of the cloud', { url: 'http://169.254.169.254/latest' }, 422, 'webhook-invalid'],
    ['another private address', { url: 'https://10.0.0.1/' }, 422, 'webhook-invalid'],
    ['plain http', { url: 'http://example.com/' }, 422, 'webhook-invalid'],
    ['no URL', { url: 7 }, 400, 'argument-invalid'],
    ['an unknown member', { url: 'https://example.com/', typs: [] }, 400, 'argument-invalid'],
    [
      'types that are none',
      { url: 'https://example.com/', types: 'run.*' },
      422,
      'webhook-invalid',
    ],
    ['a type that is none', { url: 'https://example.com/', types: [{}] }, 422, 'webhook-invalid'],
    ['a plan that is none', { url: 'https://example.com/', plan: 5 }, 422, 'webhook-invalid'],
    ['metadata of a list', { url: 'https://example.com/', metadata: [] }, 422, 'webhook-invalid'],
    ['a short secret', { url: 'https://example.com/', secret: 'x' }, 422, 'webhook-invalid'],
    ['an id with a slash', { url: 'https://example.com/', id: 'a/b' }, 422, 'webhook-invalid'],
    ['a long description', { url: 'https://e.com/', description: 7 }, 422, 'webhook-invalid'],
  ])('S221 %s is refused', async (_, body, status, code) => {
    const answer = await site.post('/webhooks', body);
    expect([answer.status, (await json<{ code: string }>(answer)).code]).toEqual([status, code]);
  });
});
