/** A singleton that is replaced while it ends by itself and its key is asked for. */
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createOrchestrator } from '../../src/index.js';
import { isFinal } from '../../src/machines/statuses.js';
import { action, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const rounds = async (count: number) => {
  for (let round = 0; round < count; round += 1) await setImmediate();
};

it('S37 a key has one unfinished run, whenever the one that is being replaced ends', async () => {
  const working = new Map<string, () => void>();
  const orchestrator = await createOrchestrator({
    url: temporaryDatabase(),
    handlers: {
      work: (_, { run }) => new Promise<void>((resolve) => working.set(run, resolve)),
    },
  });
  const first = plan([action('a')]).plan;
  const other = plan([action('b')]).plan;
  for (let i = 0; i < 60; i += 1) {
    const [a, b, c] = [`a${i}`, `b${i}`, `c${i}`];
    const singleton = { key: `k${i}`, onConflict: 'refuse' } as const;
    await orchestrator.start(first, { id: a, singleton });
    while (!working.has(a)) await setImmediate();
    const replaced = orchestrator.change.replace(a, other, { id: b, by: 'x' }).then(
      () => true,
      () => false,
    );
    await rounds(i % 8);
    working.get(a)?.();
    let started = false;
    for (let tries = 0; tries < 30 && !started; tries += 1) {
      const start = orchestrator.start(first, { id: c, singleton });
      started = await start.then(
        () => true,
        () => false,
      );
    }
    const isReplaced = await replaced;
    const statuses = await Promise.all(
      [b, c].map((id) => orchestrator.runs.summary(id).catch(() => undefined)),
    );
    const unfinished = statuses.filter((run) => run !== undefined && !isFinal(run.status));
    expect([i, isReplaced, started, unfinished.length <= 1]).toEqual([
      i,
      isReplaced,
      started,
      true,
    ]);
  }
  for (const end of working.values()) end();
  await orchestrator.close();
});
