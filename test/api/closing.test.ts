import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { simulatedEnvironment } from '../../src/testing/simulation.js';
import { action, approval, edge, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const chain = plan([action('a'), action('b')], [edge('a', 'b')]).plan;

describe('closing', () => {
  it('asks for no slot while a result makes the next node ready', async () => {
    let finish = () => {};
    const work = () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      });
    const url = temporaryDatabase();
    // Its time stands still: closing must not end by losing patience.
    const environment = simulatedEnvironment(1);
    const first = await createOrchestrator({ url, handlers: { work }, environment });
    const run = await first.start(chain, { id: 'r1' });
    const closed = first.close();
    finish();
    await closed;
    const second = await createOrchestrator({ url, handlers: { work: () => 2 } });
    onTestFinished(() => second.close());
    const result = await second.result(run.id);
    expect(result).toMatchObject({ status: 'completed', outputs: { b: 2 } });
  });

  it('tells those who wait for a result that it will not come from here', async () => {
    const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: {} });
    const run = await orchestrator.start(plan([approval('ask')]).plan);
    await orchestrator.settled(run.id);
    const result = run.result();
    const refused = expect(result).rejects.toMatchObject({ code: 'closing' });
    await orchestrator.close();
    await refused;
  });
});

it('a watcher that throws harms no run', async () => {
  const orchestrator = await createOrchestrator({
    url: temporaryDatabase(),
    handlers: { work: () => 1 },
  });
  onTestFinished(() => orchestrator.close());
  orchestrator.watch('r1', () => {
    throw new Error('watcher');
  });
  const run = await orchestrator.start(chain, { id: 'r1' });
  expect((await run.result()).status).toBe('completed');
});

it('takes up nothing that this process has at work', async () => {
  let calls = 0;
  let finish = () => {};
  const work = () => {
    calls += 1;
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  };
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: { work } });
  onTestFinished(() => orchestrator.close());
  const run = await orchestrator.start(plan([action('a')]).plan);
  await orchestrator.recover();
  await orchestrator.resume(run.id);
  finish();
  expect((await run.result()).status).toBe('completed');
  expect(calls).toBe(1);
});
