/** Webhooks in simulated time: what is delivered when, and what becomes of what fails. */
import { Webhook as Signer } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import type { WebhookOptions } from '../../src/delivery/new-delivery.js';
import { plan } from '../../src/plan/builder.js';
import { type TestKit, testKit } from '../../src/testing/test-kit.js';
import { type Behaviour, numbersByRun, Receiver } from './support/receiver.js';

const chain = plan('Work')
  .action('one', { handler: 'work' })
  .action('two', { handler: 'work' })
  .edge('one', 'two')
  .build();
const other = plan('Other').action('only', { handler: 'work' }).build();
const url = 'https://hooks.example.com/in';
const HOUR_MS = 3_600_000;

async function open(
  behave?: Behaviour,
  webhooks: WebhookOptions = {},
): Promise<{ kit: TestKit; receiver: Receiver }> {
  const receiver = new Receiver(behave);
  const kit = await testKit({
    handlers: { work: () => 'done' },
    sendWebhook: receiver.send,
    webhooks,
  });
  await kit.ask((orchestrator) => orchestrator.recover());
  return { kit, receiver };
}

const drained = (kit: TestKit) => kit.ask(({ webhooks }) => webhooks.drain());

describe('a webhook', () => {
  it('S183 S221 is given all that happens after a restart, although turns before it was added were void', async () => {
    const { kit, receiver } = await open();
    kit.faults.failCommit({ times: 20, code: 'turn-refused' });
    for (let count = 0; count < 20; count += 1) {
      await expect(kit.start(other)).rejects.toMatchObject({ code: 'commit-failed' });
    }
    await kit.ask(({ webhooks }) => webhooks.add({ id: 'w', url }));
    await kit.restart();
    const run = await kit.run(other);
    await drained(kit);
    const events = await kit.runs.events(run.id);
    expect(receiver.firsts()).toEqual(events.map(({ id }) => id));
  });

  it('S221 S183 is given every event from now on, in order, with what it says', async () => {
    const { kit, receiver } = await open();
    await kit.run(other, { id: 'before' });
    const { secret, ...webhook } = await kit.ask(({ webhooks }) => webhooks.add({ url }));
    const run = await kit.run(chain, { id: 'r' });
    await drained(kit);
    expect(receiver.accepted.map(({ event }) => event.id)).toEqual([...run.log].map((e) => e.id));
    const [first] = receiver.accepted;
    const { type, timestamp, data } = JSON.parse(first?.body ?? '');
    expect([type, data.run, data.seq, data.detail.to]).toEqual(['run.created', 'r', 1, 'pending']);
    expect(timestamp).toBe(new Date(data.at).toISOString());
    expect(new Set(receiver.accepted.map(({ message }) => message)).size).toBe(run.log.length);
    const { 'webhook-id': id = '', 'webhook-timestamp': at, ...headers } = first?.headers ?? {};
    const signed = new Signer(secret).sign(id, new Date(Number(at) * 1_000), first?.body ?? '');
    expect(headers['webhook-signature']).toBe(signed);
    expect(secret).toMatch(/^whsec_/);
    expect(JSON.stringify(await kit.orchestrator.webhooks.list())).not.toContain(secret);
    expect(webhook).toMatchObject({ types: ['*'], disabled: null, deadLetters: 0, retrying: [] });
  });

  it('S221 is given only what fits its types, plan and metadata', async () => {
    const { kit, receiver } = await open();
    const types = ['run.completed', 'node.*'];
    await kit.ask(({ webhooks }) => webhooks.add({ url, types, plan: 'Work' }));
    const second = { url: `${url}/x`, types: ['run.*'], metadata: { team: 'a' } };
    await kit.ask(({ webhooks }) => webhooks.add(second));
    await kit.run(chain, { id: 'w' });
    await kit.run(other, { id: 'o', metadata: { team: 'a' } });
    await drained(kit);
    const at = (path: string) => receiver.accepted.filter((one) => one.url === path);
    expect(new Set(at(url).map(({ event }) => event.run))).toEqual(new Set(['w']));
    expect(at(url).every(({ event }) => /^(run\.completed|node\..*)$/.test(event.type))).toBe(true);
    expect(at(url).at(-1)?.event.type).toBe('run.completed');
    expect(new Set(at(second.url).map(({ event }) => event.run))).toEqual(new Set(['o']));
  });

  it('S221 signs with both secrets for a while after a rotation, and the id stays the same', async () => {
    const { kit, receiver } = await open();
    const { id, secret: old } = await kit.ask(({ webhooks }) => webhooks.add({ url }));
    const { secret: fresh } = await kit.ask(({ webhooks }) => webhooks.rotate(id));
    const signers = async () => {
      await kit.run(other);
      await drained(kit);
      const { message, body, headers } = receiver.accepted.at(-1) ?? raise();
      const at = new Date(Number(headers['webhook-timestamp']) * 1_000);
      const signatures = headers['webhook-signature']?.split(' ') ?? [];
      return signatures.map((one) =>
        [old, fresh].findIndex((secret) => new Signer(secret).sign(message, at, body) === one),
      );
    };
    expect(await signers()).toEqual([1, 0]);
    await kit.advance('25h');
    expect(await signers()).toEqual([1]);
    expect(old).not.toBe(fresh);
  });

  it('S183 S221 tries again after growing waits, with the same message, and keeps the order of the run', async () => {
    let failures = 3;
    const { kit, receiver } = await open(() => ({ status: failures-- > 0 ? 500 : 200 }));
    await kit.ask(({ webhooks }) => webhooks.add({ url }));
    const start = kit.clock.now();
    const run = await kit.run(chain);
    await drained(kit);
    expect(numbersByRun(receiver.accepted.map(({ event }) => event.id))).toEqual(
      new Map([[run.id, [...run.log].map(({ seq }) => seq)]]),
    );
    const first = receiver.asked.slice(0, 4).map(({ message }) => message);
    expect(new Set(first).size).toBe(1);
    // 5, 10 and 20 seconds, each shortened by a quarter at most.
    expect(kit.clock.now() - start).toBeGreaterThanOrEqual(26_250);
    expect(kit.clock.now() - start).toBeLessThanOrEqual(35_000);
    const [webhook] = await kit.orchestrator.webhooks.list();
    expect(webhook).toMatchObject({ retrying: [], failingSince: null });
  });

  it('S183 waits as long as the receiver asks for, and no longer than the longest wait', async () => {
    for (const [retryAfter, least] of [
      ['120', 120_000],
      ['999999999', 3 * HOUR_MS],
    ] as const) {
      let isBusy = true;
      const { kit, receiver } = await open(() => {
        const answer = isBusy ? { status: 503, retryAfter } : { status: 200 };
        isBusy = false;
        return answer;
      });
      await kit.ask(({ webhooks }) => webhooks.add({ url, types: ['run.completed'] }));
      const start = kit.clock.now();
      await kit.run(other);
      await drained(kit);
      expect(receiver.accepted.length).toBe(1);
      expect(kit.clock.now() - start).toBe(least);
    }
  });

  it('S183 a run whose event is refused holds up no other run, and no other webhook', async () => {
    const { kit, receiver } = await open(({ event, url: to }) => ({
      status: event.run === 'bad' && to === url ? 400 : 200,
    }));
    await kit.ask(({ webhooks }) => webhooks.add({ url }));
    await kit.ask(({ webhooks }) => webhooks.add({ url: `${url}/2` }));
    const bad = await kit.run(chain, { id: 'bad' });
    const good = await kit.run(chain, { id: 'good' });
    await kit.drain();
    const of = (to: string, run: string) =>
      receiver.accepted.filter((one) => one.url === to && one.event.run === run).length;
    expect(of(url, 'good')).toBe(good.log.length);
    expect(of(`${url}/2`, 'bad')).toBe(bad.log.length);
    expect(of(url, 'bad')).toBe(0);
    const retrying = (await kit.orchestrator.webhooks.list()).flatMap((one) => one.retrying);
    expect(retrying).toMatchObject([{ after: 0, tries: 1, error: { status: 400 } }]);
  });

  it('S183 an endpoint that never answers is given up on in time, and starves no run', async () => {
    const { kit, receiver } = await open(() => new Promise(() => {}), { maxTries: 2 });
    await kit.ask(({ webhooks }) => webhooks.add({ url, types: ['run.*'] }));
    const runs = [await kit.run(chain), await kit.run(chain), await kit.run(other)];
    expect(runs.map(({ status }) => status)).toEqual(Array(3).fill('completed'));
    await kit.drain();
    expect(receiver.asked.length).toBe(3);
    await kit.advance('15s');
    const [webhook] = await kit.orchestrator.webhooks.list();
    expect(webhook?.retrying.map(({ error }) => error?.code)).toEqual(Array(3).fill('timeout'));
  });

  it('S221 that is gone, or fails for days, is disabled where all can see it, and goes on from there', async () => {
    let status = 410;
    const { kit, receiver } = await open(() => ({ status }), { disableAfterMs: 24 * HOUR_MS });
    const { id } = await kit.ask(({ webhooks }) => webhooks.add({ url, types: ['run.*'] }));
    const first = await kit.run(other, { id: 'a' });
    await kit.drain();
    const gone = await kit.orchestrator.webhooks.get(id);
    expect(gone.disabled).toMatchObject({ code: 'endpoint-gone' });
    expect(kit.complaints).toContain('a webhook is disabled: the receiver answered 410');
    const second = await kit.run(other, { id: 'b' });
    const asked = receiver.asked.length;
    await kit.advance('1h');
    expect(receiver.asked.length).toBe(asked);
    status = 500;
    await kit.ask(({ webhooks }) => webhooks.update(id, { disabled: false }));
    await kit.advance('6d');
    const failing = await kit.orchestrator.webhooks.get(id);
    expect(failing.disabled).toMatchObject({ code: 'endpoint-failing' });
    status = 200;
    await kit.ask(({ webhooks }) => webhooks.update(id, { disabled: false }));
    await drained(kit);
    const letters = await kit.orchestrator.webhooks.deadLetters.list(id);
    const told = [...receiver.firsts(), ...letters.map(({ run, seq }) => `${run}/${seq}`)];
    const wanted = [...first.log, ...second.log].filter(({ type }) => type.startsWith('run.'));
    expect(told.sort()).toEqual(wanted.map((event) => event.id).sort());
  });

  it('S221 tells a test message whether it is accepted', async () => {
    const { kit, receiver } = await open(() => ({ status: 418 }));
    const { id } = await kit.ask(({ webhooks }) => webhooks.add({ url }));
    expect(await kit.ask(({ webhooks }) => webhooks.test(id))).toEqual({
      accepted: false,
      status: 418,
      error: { code: 'status-refused', message: 'the answer was 418', status: 418 },
    });
    receiver.behave = () => ({ status: 200 });
    expect(await kit.ask(({ webhooks }) => webhooks.test(id))).toMatchObject({ accepted: true });
    expect(JSON.parse(receiver.asked[0]?.body ?? '')).toMatchObject({ type: 'webhook.test' });
  });

  it('S221 that is removed is told nothing more, and nothing of it is left', async () => {
    const { kit, receiver } = await open(() => ({ status: 500 }), { maxTries: 1 });
    const { id } = await kit.ask(({ webhooks }) => webhooks.add({ url }));
    await kit.run(other);
    await drained(kit);
    const asked = receiver.asked.length;
    expect(asked).toBeGreaterThan(0);
    expect(await kit.ask(({ webhooks }) => webhooks.remove(id))).toBe(true);
    expect(await kit.ask(({ webhooks }) => webhooks.remove(id))).toBe(false);
    await kit.run(other);
    await kit.advance('1h');
    expect(receiver.asked.length).toBe(asked);
    await expect(kit.orchestrator.webhooks.get(id)).rejects.toMatchObject({
      code: 'webhook-unknown',
    });
    await kit.ask(({ webhooks }) => webhooks.add({ url, id }));
    expect(await kit.orchestrator.webhooks.deadLetters.list(id)).toEqual([]);
  });
});

describe('dead letters', () => {
  it('S121 S221 an event that is refused for good is parked, the run goes on behind it, and it can be read, sent again and discarded', async () => {
    const { kit, receiver } = await open(
      ({ event }) => ({ status: event.type === 'node.started' ? 422 : 200 }),
      { maxTries: 3 },
    );
    const { id } = await kit.ask(({ webhooks }) => webhooks.add({ url }));
    const run = await kit.run(chain, { id: 'r' });
    await drained(kit);
    const { deadLetters } = kit.orchestrator.webhooks;
    const letters = await deadLetters.list(id);
    const started = run.log.filter('node.started');
    expect(letters.map(({ seq, tries }) => [seq, tries])).toEqual(
      started.map(({ seq }) => [seq, 3]),
    );
    expect(letters[0]?.error).toMatchObject({ code: 'status-refused', status: 422 });
    expect(receiver.accepted.map(({ event }) => event.seq)).toEqual(
      [...run.log].filter(({ type }) => type !== 'node.started').map(({ seq }) => seq),
    );
    expect((await kit.orchestrator.webhooks.get(id)).deadLetters).toBe(2);
    const [one, two] = letters.map(({ message }) => message);
    expect(await deadLetters.list(id, { after: one ?? '' })).toEqual(letters.slice(1));
    const read = await deadLetters.get(id, one ?? '');
    expect(read.body).toMatchObject({ type: 'node.started', data: { run: 'r' } });
    const again = () => kit.ask(({ webhooks }) => webhooks.deadLetters.redeliver(id, one ?? ''));
    expect(await again()).toMatchObject({ accepted: false, status: 422 });
    expect((await deadLetters.get(id, one ?? '')).tries).toBe(4);
    receiver.behave = () => ({ status: 200 });
    expect(await again()).toEqual({ accepted: true, status: 200, error: null });
    expect(receiver.accepted.at(-1)?.message).toBe(one);
    await kit.ask(({ webhooks }) => webhooks.deadLetters.discard(id, two ?? ''));
    expect(await deadLetters.list(id)).toEqual([]);
    expect((await kit.orchestrator.webhooks.get(id)).deadLetters).toBe(0);
    await expect(deadLetters.list(id, { after: two ?? '' })).rejects.toMatchObject({
      code: 'dead-letter-unknown',
    });
    await expect(deadLetters.get(id, two ?? '')).rejects.toMatchObject({
      code: 'dead-letter-unknown',
    });
  });

  it('S121 S221 are in one hand at a time: what is done twice at once is done once, and nothing that is gone comes back', async () => {
    const { kit, receiver } = await open(() => ({ status: 400 }), { maxTries: 1 });
    const { id } = await kit.ask(({ webhooks }) => webhooks.add({ url }));
    await kit.run(chain);
    await drained(kit);
    const { deadLetters } = kit.orchestrator.webhooks;
    const letters = await deadLetters.list(id);
    // All were given up at the same time.
    expect(letters.map(({ seq }) => seq)).toEqual(letters.map((_, index) => index + 1));
    const [one = '', two = '', three = ''] = letters.map(({ message }) => message);
    const asked = receiver.asked.length;
    receiver.behave = () => ({ status: 200 });
    const both = await kit.ask(() =>
      Promise.allSettled([deadLetters.redeliver(id, one), deadLetters.redeliver(id, one)]),
    );
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(receiver.asked.length).toBe(asked + 1);
    // Discarded, and the webhook removed, while a receiver takes its time to refuse.
    receiver.behave = () => new Promise(() => {});
    const refused = deadLetters.redeliver(id, two);
    await kit.ask(() => deadLetters.discard(id, two));
    expect(await refused).toMatchObject({ accepted: false });
    expect(await deadLetters.list(id)).toEqual(letters.slice(2));
    expect((await kit.orchestrator.webhooks.get(id)).deadLetters).toBe(letters.length - 2);
    const late = deadLetters.redeliver(id, three).catch((error: unknown) => error);
    await kit.ask(({ webhooks }) => webhooks.remove(id));
    expect(await kit.ask(() => late)).toMatchObject({ code: 'webhook-unknown' });
    await kit.ask(({ webhooks }) => webhooks.add({ url, id }));
    expect(await deadLetters.list(id)).toEqual([]);
  });

  it('S121 are limited: a webhook that has too many is disabled', async () => {
    const { kit } = await open(() => ({ status: 400 }), { maxTries: 1, maxDeadLetters: 5 });
    const { id } = await kit.ask(({ webhooks }) => webhooks.add({ url }));
    await kit.run(chain);
    await drained(kit);
    const webhook = await kit.orchestrator.webhooks.get(id);
    expect(webhook).toMatchObject({ deadLetters: 5, disabled: { code: 'dead-letters-full' } });
  });
});

describe('what is refused', () => {
  it('S221 a webhook that cannot be is refused with all issues', async () => {
    const { kit } = await open();
    const { webhooks } = kit.orchestrator;
    const bad = { id: 'a b', types: ['No'], secret: 'whsec_short', description: 'x'.repeat(2_000) };
    const refused = webhooks.add({ url: 'http://127.0.0.1/', ...bad });
    await expect(refused).rejects.toMatchObject({
      code: 'webhook-invalid',
      issues: ['/id', '/url', '/types', '/description', '/secret'].map((path) => ({ path })),
    });
    await kit.ask(() => webhooks.add({ url, id: 'one' }));
    await expect(webhooks.add({ url, id: 'one' })).rejects.toMatchObject({
      code: 'webhook-conflict',
    });
    await expect(webhooks.update('one', { url: 'ftp://x' })).rejects.toThrow(/not http/);
    await expect(webhooks.update('two', {})).rejects.toMatchObject({ code: 'webhook-unknown' });
    await expect(webhooks.rotate('one', { overlapMs: -1 })).rejects.toMatchObject({
      code: 'argument-invalid',
    });
  });

  it('S221 there are a hundred webhooks at most, and limits have bounds', async () => {
    const { kit } = await open();
    for (let count = 0; count < 100; count += 1) {
      await kit.ask(({ webhooks }) => webhooks.add({ url }));
    }
    await expect(kit.orchestrator.webhooks.add({ url })).rejects.toMatchObject({
      code: 'overloaded',
    });
    await expect(open(undefined, { maxTries: 0 })).rejects.toThrow(/webhooks.maxTries/);
    await expect(open(undefined, { allowPrivate: ['10.0.0.0/99'] })).rejects.toThrow(/10.0.0.0/);
  });
});

function raise(): never {
  throw new Error('nothing was received');
}
