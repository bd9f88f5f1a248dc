import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tally } from '../../src/actors/run/votes.js';
import { respondMessage } from '../support/kernel.js';
import { action, approval } from '../support/plans.js';
import { answer, asked, by, change, human } from './asking.js';

const YES = { approved: true };

describe('who may answer', () => {
  it('S206 S129 is a responder by name or by group, and nobody else', async () => {
    const kernel = await asked(approval('ask', { responders: ['ann'], groups: ['legal'] }));
    for (const [responder, groups] of [
      ['bob', []],
      ['bob', ['sales']],
      [null, ['legal']],
    ] as const) {
      const refused = answer(kernel, YES, { responder, groups: responder === null ? [] : groups });
      await expect(refused).rejects.toMatchObject({ code: 'responder-refused' });
    }
    await answer(kernel, YES, { responder: 'bob', groups: ['legal'] });
    expect(kernel.working()).toEqual(['after']);
  });

  it('S206 is worked out from the input', async () => {
    const kernel = await asked(approval('ask', { responders: { from: 'input.chiefs' } }), {
      input: { chiefs: ['eve'] },
    });
    await expect(answer(kernel, YES, { responder: 'ann' })).rejects.toMatchObject({
      code: 'responder-refused',
      hint: 'name one of: eve',
    });
    await answer(kernel, YES, { responder: 'eve' });
    expect(kernel.working()).toEqual(['after']);
  });

  it.each<[string, unknown]>([
    ['no list', 'eve'],
    ['nobody', []],
    ['no names', [1]],
  ])('S206 fails the node where the input gives %s', async (_what, chiefs) => {
    const kernel = await asked(approval('ask', { responders: { from: 'input.chiefs' } }), {
      input: { chiefs } as never,
    });
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().nodeRuns.get('ask')?.reasonJson).toContain('responders-invalid');
  });

  it('S205 is not the one who asked for the run, however the task came to him', async () => {
    const ask = approval('ask', { fourEyes: true, delegation: 'anyone' });
    const kernel = await asked(ask, { settings: { requestedBy: 'ann' } });
    const excluded = { code: 'responder-excluded' };
    await expect(answer(kernel, YES, { responder: 'ann' })).rejects.toMatchObject(excluded);
    await expect(answer(kernel, YES)).rejects.toMatchObject({ code: 'responder-refused' });
    await expect(change(kernel, { type: 'claim', by: by('ann') })).rejects.toMatchObject(excluded);
    for (const type of ['delegate', 'assign'] as const) {
      const handed = change(kernel, { type, by: by('bob'), to: by('ann') });
      await expect(handed).rejects.toMatchObject(excluded);
    }
    await answer(kernel, YES, { responder: 'bob' });
    expect(kernel.working()).toEqual(['after']);
  });

  it.each([
    ['a question', approval('ask', { fourEyes: true }), {}],
    ['a check of work', action('ask', { checks: [{ name: 'c', ask: { fourEyes: true } }] }), {}],
    [
      'his own answer, that is judged',
      human('input', 'ask', { checks: [{ name: 'c', ask: {} }] }),
      { isOwn: true },
    ],
  ])(
    'S205 S172 does not complete by hand what is not his to decide: %s',
    async (_what, ask, { isOwn = false }: { isOwn?: boolean }) => {
      const kernel = await asked(ask, { settings: { requestedBy: isOwn ? 'eve' : 'ann' } });
      if (isOwn) await answer(kernel, {}, { responder: 'ann' });
      const outcome = ask.kind === 'human-approval' ? 'approved' : null;
      const output = { approved: true };
      const message = {
        type: 'node.complete' as const,
        node: 'ask',
        output,
        outcome,
        action: null,
        reason: null,
      };
      await expect(kernel.send({ ...message, by: 'ann' })).rejects.toMatchObject({
        code: 'responder-excluded',
      });
      expect(kernel.details('operator.completed')).toEqual([]);
      await kernel.send({ ...message, by: 'bob' });
      await kernel.settle();
      expect(kernel.summary().nodes.ask).toBe('completed');
    },
  );

  it('S205 fails under four eyes where nobody is known to have asked', async () => {
    const kernel = await asked(approval('ask', { fourEyes: true }));
    expect(kernel.status()).toBe('failed');
    expect(kernel.rows().nodeRuns.get('ask')?.reasonJson).toContain('requester-unknown');
  });
});

describe('a task that is claimed', () => {
  it('S206 belongs to one, until he releases it; said twice it is done once', async () => {
    const kernel = await asked(approval('ask', { responders: ['ann', 'bob'] }));
    expect(await change(kernel, { type: 'claim', by: by('ann') })).toMatchObject({
      assignee: 'ann',
    });
    await kernel.restart();
    const before = kernel.log().length;
    await change(kernel, { type: 'claim', by: by('ann') });
    expect(kernel.log()).toHaveLength(before);
    const taken = { code: 'task-claimed' };
    await expect(answer(kernel, YES, { responder: 'bob' })).rejects.toMatchObject(taken);
    await expect(change(kernel, { type: 'claim', by: by('bob') })).rejects.toMatchObject(taken);
    await expect(change(kernel, { type: 'release', by: by('bob') })).rejects.toMatchObject(taken);
    await change(kernel, { type: 'release', by: by('ann') });
    await answer(kernel, YES, { responder: 'bob' });
    expect(kernel.log('r1', /^task\.(claimed|released)/)).toEqual([
      'task.claimed ask',
      'task.released ask',
    ]);
  });

  it('S206 is claimed by nobody who may not answer', async () => {
    const kernel = await asked(approval('ask', { responders: ['ann'] }));
    const claimed = change(kernel, { type: 'claim', by: by('bob') });
    await expect(claimed).rejects.toMatchObject({ code: 'responder-refused' });
  });

  it('S206 is handed on to who may answer, to anyone, or to nobody, as its node says', async () => {
    const ask = (delegation: string) =>
      asked(approval('ask', { responders: ['ann', 'bob'], delegation }));
    for (const [delegation, to, code] of [
      ['entitled', 'bob', undefined],
      ['entitled', 'eve', 'responder-refused'],
      ['anyone', 'eve', undefined],
      ['none', 'bob', 'delegation-refused'],
    ] as const) {
      const kernel = await ask(delegation);
      const handed = change(kernel, { type: 'delegate', by: by('ann'), to: by(to) });
      if (code !== undefined) {
        await expect(handed).rejects.toMatchObject({ code });
        continue;
      }
      expect(await handed).toMatchObject({ assignee: to });
      await expect(answer(kernel, YES, { responder: 'ann' })).rejects.toMatchObject({
        code: 'task-claimed',
      });
      await answer(kernel, YES, { responder: to });
      expect(kernel.working()).toEqual(['after']);
    }
  });

  it('S206 is assigned by its node, and by an operator to anyone or to nobody', async () => {
    const kernel = await asked(approval('ask', { assignee: { from: 'input.boss' } }), {
      input: { boss: 'ann' },
    });
    await expect(answer(kernel, YES, { responder: 'bob' })).rejects.toMatchObject({
      code: 'task-claimed',
    });
    await change(kernel, { type: 'assign', by: by('op'), to: by('bob') });
    await change(kernel, { type: 'assign', by: by('op'), to: null });
    expect(kernel.openTasks()).toMatchObject([{ assignee: null }]);
    await answer(kernel, YES, { responder: 'eve' });
    expect(kernel.details('task.assigned')).toMatchObject([
      { by: 'op', assignee: 'bob' },
      { by: 'op', assignee: null },
    ]);
  });

  it('S129 is over when it is over', async () => {
    const kernel = await asked(approval('ask'));
    const task = kernel.task('ask');
    await answer(kernel, YES);
    const claimed = change(kernel, { type: 'claim', by: by('ann') }, task);
    await expect(claimed).rejects.toMatchObject({ code: 'task-closed' });
  });
});

describe('a quorum', () => {
  const ask = (quorum: object, people = ['a', 'b', 'c']) =>
    asked(approval('ask', { responders: people, quorum }));

  it('S205 takes as many approvals as it says, one vote each, over a restart', async () => {
    const kernel = await ask({ approvals: 2 });
    expect(await answer(kernel, YES, { responder: 'a' })).toMatchObject({ isDecided: false });
    expect(kernel.status()).toBe('awaiting-human');
    await kernel.restart();
    await expect(answer(kernel, YES, { responder: 'a' })).rejects.toMatchObject({
      code: 'vote-repeated',
    });
    expect(await answer(kernel, YES, { responder: 'c' })).toMatchObject({ isDecided: true });
    expect(kernel.summary().outputs.ask).toEqual({
      approved: true,
      requiredEdits: [],
      votes: [
        { responder: 'a', outcome: 'approved', response: YES },
        { responder: 'c', outcome: 'approved', response: YES },
      ],
    });
    expect(kernel.working()).toEqual(['after']);
  });

  it('S205 gives everybody a veto, unless it says otherwise', async () => {
    const kernel = await ask({ approvals: 2 });
    await answer(kernel, YES, { responder: 'a' });
    await answer(kernel, { approved: false, requiredEdits: ['tone'] }, { responder: 'b' });
    expect(kernel.rows().nodeRuns.get('ask')?.outcome).toBe('changes-requested');
    expect(kernel.summary().outputs.ask).toMatchObject({ requiredEdits: ['tone'] });
    const majority = await ask({ approvals: 2, rejections: 2 });
    await answer(majority, { approved: false }, { responder: 'a' });
    await answer(majority, YES, { responder: 'b' });
    await answer(majority, YES, { responder: 'c' });
    expect(majority.rows().nodeRuns.get('ask')?.outcome).toBe('approved');
  });

  it('S205 is neither claimed nor handed on, and is voted on under a name', async () => {
    const kernel = await ask({ approvals: 2 });
    await expect(change(kernel, { type: 'claim', by: by('a') })).rejects.toMatchObject({
      code: 'task-not-claimable',
    });
    const given = change(kernel, { type: 'assign', by: null, to: by('z') });
    await expect(given).rejects.toMatchObject({ code: 'task-not-claimable' });
    const handed = change(kernel, { type: 'delegate', by: by('a'), to: by('b') });
    await expect(handed).rejects.toMatchObject({ code: 'delegation-refused' });
    await expect(answer(kernel, YES)).rejects.toMatchObject({ code: 'responder-refused' });
  });

  it('S205 that those who are named by the input cannot reach fails the node', async () => {
    const more = { responders: { from: 'input.chiefs' }, quorum: { approvals: 2 } };
    const kernel = await asked(approval('ask', more), { input: { chiefs: ['a', 'a'] } });
    expect(kernel.rows().nodeRuns.get('ask')?.reasonJson).toContain('quorum-unreachable');
  });

  it('S205 decides once, with the vote that suffices, in whatever order votes come', () => {
    const vote = fc.constantFrom('approved', 'rejected', 'changes-requested');
    const sizes = fc.integer({ min: 1, max: 6 }).chain((people) =>
      fc.record({
        people: fc.constant(people),
        approvals: fc.integer({ min: 1, max: people }),
        votes: fc.array(vote, { minLength: people, maxLength: people }),
      }),
    );
    fc.assert(
      fc.property(sizes, ({ people, approvals, votes }) => {
        const rejections = people - approvals + 1;
        const responders = votes.map((_, index) => `p${index}`);
        const rules = { responders, quorum: { approvals, rejections } };
        const after = votes.map((_, index) =>
          tally(
            votes.slice(0, index + 1).map((outcome) => ({ outcome })),
            rules,
          ),
        );
        const first = after.findIndex((outcome) => outcome !== undefined);
        expect(first).toBeGreaterThanOrEqual(0);
        const cast = votes.slice(0, first + 1);
        const yes = cast.filter((outcome) => outcome === 'approved').length;
        if (after[first] === 'approved') expect(yes).toBe(approvals);
        else {
          expect(cast.length - yes).toBe(rejections);
          const plain = cast.includes('rejected') ? 'rejected' : 'changes-requested';
          expect(after[first]).toBe(plain);
        }
      }),
    );
  });
});

describe('an answer', () => {
  it('S203 is bound to the digest of what was shown', async () => {
    const kernel = await asked(approval('ask'), { input: { sum: 7 } });
    const digest = kernel.openTasks()[0]?.presentedDigest ?? '';
    expect(digest).toMatch(/^[0-9a-f]{24}$/);
    await expect(answer(kernel, YES, { digest: 'other' })).rejects.toMatchObject({
      code: 'presentation-outdated',
      data: { digest, presented: { input: { sum: 7 } } },
    });
    await answer(kernel, YES, { digest });
    expect(kernel.rows().responses).toMatchObject([{ presentedDigest: digest }]);
    const other = await asked(approval('ask'), { input: { sum: 8 } });
    expect(other.openTasks()[0]?.presentedDigest).not.toBe(digest);
  });

  it('S203 to a task whose place another has taken is refused, with the new one', async () => {
    const kernel = await asked(human('review-edit', 'ask'), { input: { v: 1 } });
    const old = kernel.task('ask');
    await answer(kernel, { decision: 'edit', output: { v: 2 } });
    const late = kernel.send(
      respondMessage({ task: old, node: 'ask', response: { decision: 'accept' } }),
    );
    await expect(late).rejects.toMatchObject({
      code: 'task-superseded',
      data: { task: kernel.task('ask'), presented: { subject: { v: 2 } } },
    });
  });

  it('S137 keeps who gave it, his comment and the message that brought it', async () => {
    const kernel = await asked(approval('ask'));
    const more = { responder: 'ann', comment: 'seen on the phone', messageId: 'm1' };
    await answer(kernel, { approved: true, requiredEdits: [], comments: 'fine' }, more);
    expect(kernel.rows().responses).toMatchObject([
      { responder: 'ann', comment: 'seen on the phone', messageId: 'm1', outcome: 'approved' },
    ]);
  });

  it('S137 of a message that voted before is the same answer, and no other', async () => {
    const kernel = await asked(approval('ask', { quorum: { approvals: 2 }, groups: ['g'] }));
    const vote = { responder: 'a', groups: ['g'], messageId: 'm1' };
    const first = await answer(kernel, YES, vote);
    expect(await answer(kernel, YES, vote)).toEqual(first);
    expect(kernel.rows().responses).toHaveLength(1);
    await expect(answer(kernel, { approved: false }, vote)).rejects.toMatchObject({
      code: 'message-conflict',
    });
  });
});
