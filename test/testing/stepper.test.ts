import { describe, expect, it } from 'vitest';
import type { HandlerContext } from '../../src/actors/handlers.js';
import { plan } from '../../src/plan/builder.js';
import { testKit } from '../../src/testing/index.js';
import type { RunEvent } from '../../src/views.js';

const draft = plan('Steps')
  .action('a', { handler: 'work', retry: { maxAttempts: 2, backoff: 'fixed', delayMs: 60_000 } })
  .action('b', { handler: 'work' })
  .approval('review')
  .action('last', { handler: 'work' })
  .edge('a', 'review')
  .edge('b', 'review')
  .edge('review', 'last')
  .build();

/** A stepper whose first attempt of `a` fails, and the attempts for which its handler was called. */
async function stepping() {
  const calls: string[] = [];
  const work = (_input: unknown, { node, attempt, progress }: HandlerContext) => {
    calls.push(`${node}#${attempt}`);
    progress(calls.length);
    return `${node} ${calls.length}`;
  };
  const kit = await testKit({ handlers: { work } });
  kit.faults.handler('work', { node: 'a', throws: new Error('once') });
  return { calls, stepper: await kit.stepper(draft) };
}

describe('stepping through a run', () => {
  it('S63 S193 each step is one happening outside and all that follows from it', async () => {
    const { calls, stepper } = await stepping();
    expect(stepper.state).toMatchObject({ step: 0, status: 'running', held: ['b'] });
    const { at } = stepper.state;
    // The oldest first: the fault of a has happened already, and is only told now.
    expect(await stepper.next()).toMatchObject({ step: 1, nodes: { a: 'ready', b: 'running' } });
    expect(calls).toEqual([]);
    expect(await stepper.next()).toMatchObject({ step: 2, nodes: { b: 'completed' }, held: [] });
    expect(calls).toEqual(['b#1']);
    const waited = await stepper.next();
    expect(waited).toMatchObject({ step: 3, nodes: { a: 'running' }, held: ['a'] });
    expect(waited.at).toBeGreaterThan(at);
    const asked = await stepper.next();
    expect(asked).toMatchObject({ status: 'awaiting-human', nodes: { a: 'completed' } });
    expect(stepper.isDone).toBe(true);
    expect(await stepper.next()).toEqual(asked);
    expect(await stepper.respond('review', { approved: true })).toMatchObject({ held: ['last'] });
    expect(stepper.isDone).toBe(false);
    expect(await stepper.next()).toMatchObject({ step: 6, status: 'completed' });
    expect(stepper.isDone).toBe(true);
    expect(stepper.run.outputs).toEqual({
      a: 'a 2',
      b: 'b 1',
      review: expect.anything(),
      last: 'last 3',
    });
  });

  it('S63 S193 goes back to exactly the state before, and forward again without calling handlers', async () => {
    const { calls, stepper } = await stepping();
    const seen = [{ state: stepper.state, log: stepper.run.log.print() }];
    while (!stepper.isDone) {
      await stepper.next();
      if (stepper.run.tasks.length > 0) {
        seen.push({ state: stepper.state, log: stepper.run.log.print() });
        await stepper.respond('review', { approved: true });
      }
      seen.push({ state: stepper.state, log: stepper.run.log.print() });
    }
    expect(stepper.run.status).toBe('completed');
    const called = [...calls];
    for (const { state, log } of seen.toReversed().slice(1)) {
      expect(await stepper.prev()).toEqual(state);
      expect(stepper.run.log.print()).toBe(log);
    }
    expect(await stepper.prev()).toEqual(seen[0]?.state);
    expect(stepper.isDone).toBe(false);
    for (const { state, log } of seen.slice(1)) {
      expect(await stepper.next()).toEqual(state);
      expect(stepper.run.log.print()).toBe(log);
    }
    expect(calls).toEqual(called);
  });

  it('S63 S193 leads to the same log as running, event for event', async () => {
    const { stepper } = await stepping();
    const { stepper: again } = await stepping();
    await stepper.continue();
    const work = (_input: unknown, { progress }: HandlerContext) => {
      calls += 1;
      progress(calls);
      return calls;
    };
    let calls = 0;
    const kit = await testKit({ handlers: { work } });
    kit.faults.handler('work', { node: 'a', throws: new Error('once') });
    const run = await kit.run(draft);
    const typesOf = (log: Iterable<RunEvent>) =>
      [...log].map(({ type, node, at }) => [type, node, at]);
    expect(typesOf(stepper.run.log)).toEqual(typesOf(run.log));
    await again.continue();
    expect(again.run.log.print()).toBe(stepper.run.log.print());
  });

  it('S63 goes on from an earlier step in another way', async () => {
    const { calls, stepper } = await stepping();
    await stepper.continue();
    await stepper.respond('review', { approved: true });
    await stepper.continue();
    expect(stepper.run.status).toBe('completed');
    await stepper.prev();
    await stepper.prev();
    await stepper.respond('review', { approved: false });
    await stepper.continue();
    expect(stepper.run.nodes.last).toBe('skipped');
    expect(calls).toEqual(['b#1', 'a#2', 'last#1']);
  });

  it('S63 an answer that is refused is a step where the log has it', async () => {
    const { stepper } = await stepping();
    await stepper.continue();
    const { step } = stepper.state;
    await expect(stepper.respond('last', 1)).rejects.toMatchObject({ code: 'no-open-task' });
    expect(stepper.state.step).toBe(step);
    await expect(stepper.respond('review', { approved: 'yes' })).rejects.toMatchObject({
      code: 'response-invalid',
    });
    const refused = stepper.run.log.print();
    expect(stepper.run.log.find('task.response-refused')).toBeDefined();
    expect(stepper.state.step).toBe(step + 1);
    await stepper.respond('review', { approved: true });
    await stepper.prev();
    expect(stepper.run.log.print()).toBe(refused);
    expect((await stepper.next()).held).toEqual(['last']);
  });

  it('S63 goes on no further than the limit of steps', async () => {
    const kit = await testKit({ handlers: { work: () => 1 }, maxSteps: 1 });
    const stepper = await kit.stepper(draft);
    await expect(stepper.continue()).rejects.toMatchObject({ code: 'step-limit' });
  });

  it('S63 S193 is reset to the start', async () => {
    const { stepper } = await stepping();
    const { state } = stepper;
    const end = await stepper.continue();
    expect(await stepper.reset()).toEqual(state);
    expect(await stepper.continue()).toEqual(end);
  });

  it('S63 fires the deadline of a task as a step', async () => {
    const kit = await testKit({ handlers: {} });
    const stepper = await kit.stepper(
      plan('Deadline').approval('review', { deadlineMs: 60_000 }).build(),
    );
    expect(stepper).toMatchObject({ isDone: false, state: { status: 'awaiting-human' } });
    const { at } = stepper.state;
    expect((await stepper.next()).at).toBe(at + 60_000);
    expect(stepper.run.log.find('task.closed')?.detail.status).toBe('expired');
    expect(stepper.isDone).toBe(true);
  });

  it('S63 steps through a crash', async () => {
    const kit = await testKit({ handlers: { work: () => 1 } });
    kit.faults.crash({ afterCommits: 2 });
    const stepper = await kit.stepper(draft);
    const first = await stepper.next();
    expect(stepper.run.log.find('run.recovered')).toBeDefined();
    const end = await stepper.continue();
    expect(end.status).toBe('awaiting-human');
    await stepper.reset();
    expect(await stepper.next()).toEqual(first);
    expect(await stepper.continue()).toEqual(end);
  });
});
