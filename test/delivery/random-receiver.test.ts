/** Receivers that fail at random, and processes that stop at random, on simulated time. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { WebhookAnswer } from '../../src/delivery/send.js';
import { plan } from '../../src/plan/builder.js';
import type { JsonObject } from '../../src/plan/json.js';
import { type TestKit, testKit } from '../../src/testing/test-kit.js';
import { numbersByRun, Receiver } from './support/receiver.js';

const chain = plan('Chain')
  .action('one', { handler: 'work' })
  .action('two', { handler: 'work' })
  .action('three', { handler: 'work' })
  .edge('one', 'two')
  .edge('one', 'three')
  .build();

/** What a receiver does with one request. */
type Reaction = 'accept' | 'refuse' | 'hang' | 'break' | 'busy';

type Step =
  | { readonly do: 'run' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'stop' }
  | { readonly do: 'crash'; readonly afterCommits: number };

const reaction = fc.constantFrom<Reaction>('accept', 'accept', 'refuse', 'hang', 'break', 'busy');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Step>({ do: 'run' }) },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 600_000 }).map((ms): Step => ({ do: 'wait', ms })),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'stop' }) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 4 })
      .map((afterCommits): Step => ({ do: 'crash', afterCommits })),
  },
);

function react(kind: Reaction | undefined): WebhookAnswer | Promise<WebhookAnswer> {
  switch (kind) {
    case 'refuse':
      return { status: 400 };
    case 'busy':
      return { status: 503, retryAfter: '30' };
    case 'hang':
      return new Promise(() => {});
    case 'break':
      throw new Error('connection reset');
    default:
      return { status: 200 };
  }
}

async function take(kit: TestKit, next: Step): Promise<void> {
  switch (next.do) {
    case 'run':
      await kit.run(chain);
      return;
    case 'wait':
      return kit.advance(next.ms);
    case 'stop':
      return kit.restart();
    case 'crash':
      kit.faults.crash({ afterCommits: next.afterCommits });
  }
}

it('S183 S221 every event is delivered in the order of its run, or is a dead letter, whatever fails', async () => {
  const scenario = fc.record({
    reactions: fc.array(reaction, { minLength: 0, maxLength: 200 }),
    steps: fc.array(step, { minLength: 1, maxLength: 10 }),
    maxTries: fc.integer({ min: 1, max: 4 }),
    concurrency: fc.integer({ min: 1, max: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ reactions, steps, ...webhooks }) => {
      const left = [...reactions];
      const receiver = new Receiver(() => react(left.shift()));
      const kit = await testKit({
        handlers: { work: () => 'done' },
        sendWebhook: receiver.send,
        webhooks,
      });
      await kit.ask((orchestrator) => orchestrator.recover());
      const add = { id: 'w', url: 'https://example.com/' };
      await kit.ask((orchestrator) => orchestrator.webhooks.add(add));
      for (const next of steps) await take(kit, next);
      await kit.restart();
      await kit.advance('2d');
      await kit.ask((orchestrator) => orchestrator.webhooks.drain());
      const letters = await kit.orchestrator.webhooks.deadLetters.list('w', { limit: 1_000 });
      const dead = letters.map(({ run, seq }) => `${run}/${seq}`);
      const accepted = numbersByRun(receiver.firsts());
      for (const { id } of await kit.runs.list({ limit: 1_000 })) {
        const numbers = accepted.get(id) ?? [];
        // Whatever was accepted came, the first time, in order.
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        const told = new Set([...numbers, ...(numbersByRun(dead).get(id) ?? [])]);
        const logged = (await kit.runs.events(id)).map(({ seq }) => seq);
        expect([...told].sort((a, b) => a - b)).toEqual(logged);
      }
      const bodies = new Map<string, JsonObject>();
      for (const { message, body } of receiver.asked) {
        const { data } = JSON.parse(body) as { data: JsonObject };
        expect(data).toEqual(bodies.get(message) ?? data);
        bodies.set(message, data);
      }
    }),
    { numRuns: 60 },
  );
});
