/** What a process that starts later makes of deliveries that failed. */
import { expect, it } from 'vitest';
import { type Environment, systemEnvironment } from '../../src/actors/environment.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { plan } from '../../src/plan/builder.js';
import { temporaryDatabase } from '../support/temporary.js';
import { openReceiver } from './support/real-receiver.js';

const DAY_MS = 86_400_000;
const work = plan('Work').action('only', { handler: 'work' }).build();

/** The time of the system, some days later. */
function later(days: number): Environment {
  const { clock } = systemEnvironment;
  const now = () => clock.now() + days * DAY_MS;
  const wakeAt = (at: number, wake: () => void) => clock.wakeAt(at - days * DAY_MS, wake);
  return { ...systemEnvironment, clock: { now, wakeAt } };
}

it('S183 counts the tries of all processes together, and begins at once with what is due', async () => {
  const url = temporaryDatabase();
  const receiver = await openReceiver();
  receiver.status = 500;
  const open = (days: number): Promise<Orchestrator> =>
    createOrchestrator({
      url,
      handlers: { work: () => 'done' },
      environment: later(days),
      webhooks: { allowPrivate: ['127.0.0.1'], firstDelayMs: 3_600_000, maxTries: 3 },
    });
  for (const tries of [1, 2]) {
    const orchestrator = await open(tries);
    if (tries === 1) {
      await orchestrator.webhooks.add({ id: 'w', url: receiver.url, types: ['run.completed'] });
      await (await orchestrator.start(work, { id: 'r' })).result();
    }
    let { retrying } = await orchestrator.webhooks.get('w');
    while (retrying[0]?.tries !== tries) ({ retrying } = await nextLook(orchestrator));
    expect(retrying).toMatchObject([{ tries, error: { code: 'status-refused', status: 500 } }]);
    await orchestrator.close();
  }
  const last = await open(3);
  await last.webhooks.drain();
  expect(await last.webhooks.deadLetters.list('w')).toMatchObject([{ run: 'r', tries: 3 }]);
  expect(receiver.taken.length).toBe(3);
  expect(new Set(receiver.taken.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  await last.close();
});

async function nextLook({ webhooks }: Orchestrator) {
  await new Promise(setImmediate);
  return webhooks.get('w');
}
