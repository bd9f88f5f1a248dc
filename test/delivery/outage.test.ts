/** Receivers that refuse some runs, or all for a while: what others are told meanwhile, and how often they are asked. */
import { expect, it } from 'vitest';
import type { WebhookOptions } from '../../src/delivery/new-delivery.js';
import { plan } from '../../src/plan/builder.js';
import { type TestKit, testKit } from '../../src/testing/test-kit.js';
import { type Behaviour, numbersByRun, Receiver } from './support/receiver.js';

const work = plan('Work').action('only', { handler: 'work' }).build();
const id = 'w';
const url = 'https://hooks.example.com/in';

async function open(
  behave: Behaviour,
  webhooks: WebhookOptions = {},
): Promise<{ kit: TestKit; receiver: Receiver }> {
  const receiver = new Receiver(behave);
  const handlers = { work: () => 'done' };
  const kit = await testKit({ handlers, sendWebhook: receiver.send, webhooks });
  await kit.ask((orchestrator) => orchestrator.recover());
  await kit.ask(({ webhooks }) => webhooks.add({ id, url }));
  return { kit, receiver };
}

async function finish(kit: TestKit, count: number, prefix: string): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    await kit.run(work, { id: `${prefix}${number}` });
  }
}

const told = (receiver: Receiver, run: string) => numbersByRun(receiver.firsts()).get(run) ?? [];

const numbersOf = async (kit: TestKit, run: string) =>
  (await kit.runs.events(run)).map(({ seq }) => seq);

it('S183 S221 a receiver that refuses everything of 200 runs that have finished is told of a new one within minutes', async () => {
  for (const status of [400, 500]) {
    const isBad = (run: string) => run.startsWith('bad');
    const { kit, receiver } = await open(({ event }) => ({
      status: isBad(event.run) ? status : 200,
    }));
    await finish(kit, 200, 'bad');
    await kit.run(work, { id: 'new' });
    await kit.advance('4m');
    expect(told(receiver, 'new')).toEqual(await numbersOf(kit, 'new'));
    // Those that come later are told at once, or nearly.
    await kit.run(work, { id: 'newer' });
    await kit.advance('5s');
    expect(told(receiver, 'newer')).toEqual(await numbersOf(kit, 'newer'));
    const webhook = await kit.orchestrator.webhooks.get(id);
    expect([webhook.behind, webhook.retrying.length, webhook.deadLetters]).toEqual([200, 100, 0]);
  }
});

it('S183 what is told while others are refused uses up no try of theirs', async () => {
  const { kit, receiver } = await open(({ event }) => ({ status: event.run < 'c' ? 500 : 200 }));
  // The receiver seems to be down, and back, twenty times.
  for (let second = 0; second < 20; second += 1) {
    await finish(kit, 6, `bad${second}-`);
    await kit.run(work, { id: `good${second}` });
    await kit.advance('1s');
  }
  const { retrying, deadLetters } = await kit.orchestrator.webhooks.get(id);
  expect([retrying.length, deadLetters]).toEqual([100, 0]);
  // After 5 and 10 seconds, each shortened by a quarter at most: three tries in time, and one ahead of each that follows.
  expect(Math.max(...retrying.map(({ tries }) => tries))).toBe(3);
  const asked = numbersByRun(receiver.asked.map(({ event }) => event.id));
  expect(asked.get('bad0-0')?.length).toBeGreaterThan(3);
  for (const [run, tries] of asked) if (run < 'c') expect(tries.length).toBeLessThanOrEqual(6);
});

it('S183 a receiver that never answers for some runs is told of others meanwhile', async () => {
  for (const [concurrency, wait] of [
    [4, '20s'],
    [1, '2m'],
  ] as const) {
    const never = new Promise<never>(() => {});
    const answer = (run: string) => (run < 'c' ? never : { status: 200 });
    const { kit, receiver } = await open(({ event }) => answer(event.run), { concurrency });
    await finish(kit, 40, 'bad');
    // All of the forty are due again and again, for 15 seconds each, one or four of them at a time.
    await kit.advance('25m');
    await kit.run(work, { id: 'new' });
    await kit.advance(wait);
    expect(told(receiver, 'new')).toEqual(await numbersOf(kit, 'new'));
  }
});

it('S183 a receiver that is down is asked ever more rarely for other runs, and is told all at once when it is back', async () => {
  let isUp = false;
  const accepted: number[] = [];
  const { kit, receiver } = await open(() => {
    if (isUp) accepted.push(kit.clock.now());
    return { status: isUp ? 200 : 503 };
  });
  await finish(kit, 150, 'r');
  const behind = async () => (await kit.orchestrator.webhooks.get(id)).behind;
  for (const [wait, most] of [
    ['1s', 20],
    ['9s', 50],
    ['30s', 100],
  ] as const) {
    await kit.advance(wait);
    expect(await behind()).toBeLessThanOrEqual(most);
  }
  await kit.advance('1h');
  // With its first try each run has been tried ten times, by the waits alone.
  expect(receiver.asked.length).toBeLessThanOrEqual(150 * 11);
  isUp = true;
  await kit.ask(({ webhooks }) => webhooks.drain());
  expect(accepted.at(-1)).toBe(accepted[0]);
  for (const run of await kit.runs.list({ limit: 1_000 })) {
    expect(told(receiver, run.id)).toEqual(await numbersOf(kit, run.id));
  }
});
