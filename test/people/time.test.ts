import { describe, expect, it } from 'vitest';
import { approval } from '../support/plans.js';
import { answer, asked, by, change, human, presented } from './asking.js';

const HOUR = 3_600_000;

describe('the deadline of a task', () => {
  it('S136 S206 passed, gives the default answer as if somebody had given it', async () => {
    for (const [approved, status] of [
      [true, 'completed'],
      [false, 'completed'],
    ] as const) {
      const kernel = await asked(
        approval('ask', { deadlineMs: HOUR, defaultResponse: { approved } }),
      );
      const task = kernel.task('ask');
      await kernel.restart();
      await kernel.advance(HOUR);
      const outcome = approved ? 'approved' : 'rejected';
      expect(kernel.rows().nodeRuns.get('ask')).toMatchObject({ status, outcome });
      expect(kernel.rows().tasks.get(task)?.status).toBe('expired');
      expect(kernel.details('task.defaulted')).toEqual([{ task, outcome }]);
      expect(kernel.working()).toEqual(approved ? ['after'] : []);
    }
  });

  it('S136 passed, makes the default choice of a decision', async () => {
    const options = [{ id: 'wait' }, { id: 'go' }];
    const defaultResponse = { choice: 'go' };
    const kernel = await asked(
      human('decision', 'ask', { options, defaultResponse, deadlineMs: 9 }),
    );
    await kernel.advance(9);
    expect(kernel.rows().nodeRuns.get('ask')).toMatchObject({ outcome: 'go', action: 'go' });
  });

  it('S136 S206 S118 passed, turns to the next level, and at last to the default', async () => {
    const escalation = [
      { responders: ['lead'], deadlineMs: HOUR, instructions: 'Hurry' },
      { assignee: 'boss', delayMs: 60_000, deadlineMs: HOUR },
    ];
    const kernel = await asked(
      approval('ask', {
        responders: ['ann'],
        deadlineMs: HOUR,
        escalation,
        defaultResponse: { approved: false },
      }),
    );
    const first = kernel.task('ask');
    await kernel.advance(HOUR);
    expect(kernel.openTasks()).toMatchObject([{ level: 1, kind: 'human-approval' }]);
    expect(presented(kernel).instructions).toBe('Hurry');
    await expect(answer(kernel, { approved: true }, { responder: 'ann' })).rejects.toMatchObject({
      code: 'responder-refused',
    });
    await kernel.restart();
    await kernel.advance(HOUR);
    expect(kernel.openTasks()).toEqual([]);
    expect(kernel.status()).toBe('running');
    await kernel.restart();
    await kernel.advance(60_000);
    expect(kernel.openTasks()).toMatchObject([{ level: 2, assignee: 'boss' }]);
    await kernel.advance(HOUR);
    expect(kernel.rows().nodeRuns.get('ask')).toMatchObject({ outcome: 'rejected' });
    expect(kernel.rows().tasks.get(first)?.status).toBe('expired');
    expect(kernel.complaints).toEqual([]);
  });

  it('S118 passed at the last level, fails as the policy says', async () => {
    const escalation = [{ responders: ['lead'], deadlineMs: HOUR }];
    for (const [onFailure, status] of [
      ['abort', 'failed'],
      ['skip', 'completed'],
    ]) {
      const kernel = await asked(approval('ask', { deadlineMs: HOUR, escalation, onFailure }));
      await kernel.advance(2 * HOUR);
      expect(kernel.status()).toBe(status);
    }
  });

  it('S118 is answered by who an escalation turned to', async () => {
    const escalation = [{ groups: ['leads'] }];
    const kernel = await asked(approval('ask', { deadlineMs: HOUR, escalation }));
    await kernel.advance(HOUR);
    await answer(kernel, { approved: true }, { responder: 'eve', groups: ['leads'] });
    expect(kernel.working()).toEqual(['after']);
  });

  it('S206 is put off, and never brought forward', async () => {
    const kernel = await asked(approval('ask', { deadlineMs: HOUR }));
    const now = kernel.clock.now();
    const extend = (deadlineAt: number) =>
      change(kernel, { type: 'extend', by: by('ann'), deadlineAt });
    for (const bad of [now + HOUR - 1, 0, Number.NaN, now + 11 * 366 * 24 * HOUR]) {
      await expect(extend(bad)).rejects.toMatchObject({ code: 'argument-invalid' });
    }
    expect(await extend(now + 2 * HOUR)).toMatchObject({ deadlineAt: now + 2 * HOUR });
    await kernel.restart();
    await kernel.advance(2 * HOUR - 1);
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.advance(1);
    expect(kernel.status()).toBe('failed');
  });

  it('S206 is given to a task that had none', async () => {
    const kernel = await asked(approval('ask'));
    await change(kernel, { type: 'extend', by: null, deadlineAt: kernel.clock.now() + 5 });
    await kernel.advance(5);
    expect(kernel.status()).toBe('failed');
  });
});

describe('reminders', () => {
  const reminders = { afterMs: HOUR, everyMs: HOUR / 2, max: 3 };

  it('S136 S206 come when they are due, as often as they may, over a restart', async () => {
    const kernel = await asked(approval('ask', { reminders }));
    await kernel.advance(HOUR);
    await kernel.restart();
    await kernel.advance(10 * HOUR);
    expect(kernel.details('task.reminded')).toMatchObject([
      { number: 1 },
      { number: 2 },
      { number: 3 },
    ]);
    expect(kernel.openTasks()).toMatchObject([{ reminders: 3 }]);
    expect(kernel.rows().timers.size).toBe(0);
    expect(kernel.status()).toBe('awaiting-human');
  });

  it('S136 end with the answer, and come once where nothing else is said', async () => {
    const kernel = await asked(approval('ask', { reminders }));
    await answer(kernel, { approved: true });
    expect(kernel.rows().timers.size).toBe(0);
    const once = await asked(approval('ask', { reminders: { afterMs: HOUR } }));
    await once.advance(10 * HOUR);
    expect(once.details('task.reminded')).toHaveLength(1);
  });
});
