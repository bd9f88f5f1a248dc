import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import { type TestKit, testKit } from '../../src/testing/index.js';

const approval = plan('Ask')
  .approval('ask', { responders: ['ann', 'bob'], quorum: { approvals: 2 } })
  .build();
const single = plan('One')
  .approval('ask', { responders: ['ann'] })
  .build();
const DAY = 86_400_000;

async function asked(drafted = single): Promise<{ kit: TestKit; task: string }> {
  const kit = await testKit({ handlers: {} });
  await kit.orchestrator.forTenant('acme').start(drafted, { id: 'r' });
  await kit.drain();
  const [task] = await kit.orchestrator.tasks.list();
  return { kit, task: task?.id ?? '' };
}

const refused = { code: 'link-refused', status: 410 };

describe('a link to a task', () => {
  it('S129 decides nothing by being looked at, however often, and once by being answered', async () => {
    const { kit, task } = await asked();
    const { links, tasks } = kit.orchestrator;
    const { secret } = await tasks.link(task, { principal: 'ann' });
    for (let look = 0; look < 20; look += 1) {
      const opened = await links.open(secret);
      expect(opened.task).toMatchObject({ id: task, status: 'open' });
      expect(opened.choices.map(({ id }) => id)).toEqual(['approve', 'reject', 'request-changes']);
    }
    const before = (await kit.orchestrator.runs.events('acme~r')).length;
    expect(before).toBe((await kit.orchestrator.runs.events('acme~r')).length);
    const answered = await links.answer(secret, { choice: 'approve', comment: 'fine' });
    expect(answered).toMatchObject({ run: 'acme~r', outcome: 'approved', isDecided: true });
    await expect(links.open(secret)).rejects.toMatchObject(refused);
    await expect(links.answer(secret, { choice: 'reject' })).rejects.toMatchObject(refused);
    expect(await tasks.responses(task)).toMatchObject([
      { responder: 'ann', response: { approved: true, comments: 'fine' }, comment: 'fine' },
    ]);
  });

  it('promise 8: answered at the same time with everything it offers, it decides once', async () => {
    for (const drafted of [single, approval]) {
      const { kit, task } = await asked(drafted);
      const { links, tasks } = kit.orchestrator;
      const { secret } = await tasks.link(task, { principal: 'ann' });
      const choices = ['approve', 'reject', 'request-changes', 'approve', 'reject'];
      const ends = Promise.allSettled(choices.map((choice) => links.answer(secret, { choice })));
      await kit.drain();
      const taken = (await ends).filter(({ status }) => status === 'fulfilled');
      expect(taken.length).toBeGreaterThanOrEqual(1);
      expect(await tasks.responses(task)).toHaveLength(1);
      await expect(links.open(secret)).rejects.toMatchObject(refused);
    }
  });

  it('promise 8: is good for nobody who is not entitled, nor under another name', async () => {
    const { kit, task } = await asked();
    const { links, tasks } = kit.orchestrator;
    const { secret } = await tasks.link(task, { principal: 'eve' });
    const answer = links.answer(secret, { choice: 'approve' });
    await expect(answer).rejects.toMatchObject({ code: 'responder-refused' });
  });

  it('S129 ends when it expires, is revoked, or its task is closed or shows something else', async () => {
    const { kit, task } = await asked();
    const { links, tasks } = kit.orchestrator;
    const short = await tasks.link(task, { principal: 'ann', expiresInMs: 60_000 });
    const revoked = await tasks.link(task, { principal: 'ann' });
    await tasks.revokeLinks(task);
    await expect(links.open(revoked.secret)).rejects.toMatchObject(refused);
    const again = await tasks.link(task, { principal: 'ann', expiresInMs: 60_000 });
    await links.open(again.secret);
    await kit.advance(60_000);
    for (const { secret } of [short, again]) {
      await expect(links.answer(secret, { choice: 'approve' })).rejects.toMatchObject(refused);
    }
    const last = await tasks.link(task, { principal: 'ann', expiresInMs: 90 * DAY });
    await kit.ask(({ change }) =>
      change.patchInput('acme~r', 'ask', { by: 'op', input: { v: 2 } }),
    );
    await expect(links.open(last.secret)).rejects.toMatchObject(refused);
    const [fresh] = await tasks.list();
    const good = await tasks.link(fresh?.id ?? '', { principal: 'ann' });
    await kit.ask((orchestrator) => orchestrator.cancel('acme~r'));
    await expect(links.answer(good.secret, { choice: 'approve' })).rejects.toMatchObject(refused);
  });

  it('promise 18: is not guessed', async () => {
    const { kit, task } = await asked();
    const { secret } = await kit.orchestrator.tasks.link(task, { principal: 'ann' });
    const changed = fc
      .tuple(fc.nat(secret.length - 1), fc.constantFrom(...'0123456789abcdefXYZ_-'))
      .map(([at, letter]) => secret.slice(0, at) + letter + secret.slice(at + 1));
    await fc.assert(
      fc.asyncProperty(fc.oneof(changed, fc.string()), async (text) => {
        const opened = await kit.orchestrator.links.open(text).catch((error) => error);
        if (text === secret) expect(opened).toMatchObject({ principal: 'ann' });
        else expect(opened).toMatchObject(refused);
      }),
      { numRuns: 200 },
    );
  });

  it('is refused where it could not be answered, for too long, or to what another tenant asks', async () => {
    const written = plan('Form').input('fill').build();
    const { kit, task } = await asked(written);
    const { tasks } = kit.orchestrator;
    const invalid = { code: 'argument-invalid' };
    await expect(tasks.link(task, { principal: 'ann' })).rejects.toMatchObject(invalid);
    for (const options of [
      { principal: '' },
      { principal: 'ann', expiresInMs: 91 * DAY },
      { principal: 'ann', expiresInMs: 0 },
      { principal: 'ann', groups: 'legal' as unknown as string[] },
    ]) {
      await expect(tasks.link(task, options)).rejects.toMatchObject(invalid);
    }
    const foreign = kit.orchestrator.forTenant('globex').tasks.link(task, { principal: 'ann' });
    await expect(foreign).rejects.toMatchObject({ code: 'task-unknown' });
  });

  it('offers the options of a decision', async () => {
    const choice = plan('Choose')
      .decision('pick', { options: [{ id: 'left', title: 'To the left' }, { id: 'right' }] })
      .build();
    const { kit, task } = await asked(choice);
    const { links, tasks } = kit.orchestrator;
    const { secret } = await tasks.link(task, { principal: 'ann' });
    const { choices } = await links.open(secret);
    expect(choices.map(({ label }) => label)).toEqual(['To the left', 'right']);
    const wrong = links.answer(secret, { choice: 'up' });
    await expect(wrong).rejects.toMatchObject({ code: 'argument-invalid' });
    await kit.ask(() => links.answer(secret, { choice: 'right' }));
    expect((await tasks.responses(task))[0]).toMatchObject({ response: { choice: 'right' } });
  });
});
