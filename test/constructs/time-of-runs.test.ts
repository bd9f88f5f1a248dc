import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, chain, plan } from '../support/plans.js';

/** A run that asks for its budget once `a` is done. */
async function asking(more: object): Promise<Kernel> {
  const kernel = new Kernel();
  const budget = { maxSteps: 1, maxWallMs: 2_000, onExhausted: 'ask' };
  const version = plan([action('a'), action('b')], chain('a', 'b'), { budget, ...more });
  await kernel.start(version);
  await kernel.finish('a', 1);
  expect(kernel.openTasks()).toMatchObject([{ kind: 'budget', node: '' }]);
  return kernel;
}

describe('a time that is over while a person is asked about the run', () => {
  it('S111 fails the run where the plan says so, and the question is closed', async () => {
    const kernel = await asking({ deadlineMs: 1_000 });
    await kernel.advance(1_000);
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().record.reasonJson).toContain('deadline-exceeded');
    expect(kernel.openTasks()).toEqual([]);
  });

  it('S111 S213 is asked about next, one after another, over a restart', async () => {
    const kernel = await asking({ deadlineMs: 1_000, onDeadline: 'ask' });
    await kernel.advance(3_000);
    await kernel.restart();
    expect(kernel.openTasks()).toHaveLength(1);
    for (const kind of ['deadline', 'wallMs']) {
      await kernel.respond('', { approved: true });
      await kernel.settle();
      expect(kernel.working()).toEqual([]);
      const [task] = kernel.openTasks();
      expect(JSON.parse(task?.presentedJson ?? '{}')).toMatchObject({ kind });
    }
    await kernel.respond('', { approved: true });
    await kernel.settle();
    await kernel.finish('b', 2);
    expect(kernel.status()).toBe('completed');
  });

  it('S111 fails the run where the person says no to it', async () => {
    const kernel = await asking({ deadlineMs: 1_000, onDeadline: 'ask' });
    await kernel.advance(1_000);
    await kernel.respond('', { approved: true });
    await kernel.respond('', { approved: false });
    await kernel.settle();
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().record.reasonJson).toContain('deadline-exceeded');
  });
});

it('S123 S153 what undoes work and never ends holds a run up for an hour, unless it says otherwise', async () => {
  for (const [more, ms] of [
    [{}, 3_600_000],
    [{ timeoutMs: 5_000 }, 5_000],
  ] as const) {
    const hang = () => new Promise(() => {});
    const kernel = new Kernel({ handlers: { hang } });
    const undone = action('a', { compensate: { handler: 'hang', ...more } });
    await kernel.start(plan([undone, action('b')], chain('a', 'b')));
    await kernel.finish('a', 1);
    await kernel.cancel();
    await kernel.advance(1_000 + ms - 1);
    expect(kernel.status()).toBe('running');
    await kernel.advance(1);
    expect(kernel.status()).toBe('cancelled');
  }
});

it('S123 S153 a run that is cancelled while somebody is asked about it undoes its work, and ends', async () => {
  const kernel = new Kernel();
  const budget = { maxSteps: 1, onExhausted: 'ask' };
  const undone = action('a', { compensate: { handler: 'work' } });
  await kernel.start(plan([undone, action('b')], chain('a', 'b'), { budget }));
  await kernel.finish('a', 1);
  expect(kernel.openTasks()).toHaveLength(1);
  await kernel.cancel();
  await kernel.settle();
  expect(kernel.openTasks()).toEqual([]);
  await kernel.restart();
  await kernel.finish('~/a');
  expect(kernel.status()).toBe('cancelled');
});
