/** What nobody who answers should say: refused with a code, and nothing has changed. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator, plan } from '../../src/index.js';
import { temporaryDatabase } from '../support/temporary.js';

const HALF = '\ud800';

async function asking() {
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: {} });
  onTestFinished(() => orchestrator.close());
  const asked = plan('Asked')
    .approval('ask', { quorum: { approvals: 2 } })
    .build();
  await orchestrator.start(asked, { id: 'r1' });
  await orchestrator.settled('r1');
  const [task] = await orchestrator.tasks.list();
  return { orchestrator, id: task?.id ?? '' };
}

describe('a malformed answer', () => {
  it.each<[string, object]>([
    ['a name that is half of a character', { responder: HALF }],
    ['a messageId that is half of a character', { responder: 'ann', messageId: HALF }],
    ['a comment that is half of a character', { responder: 'ann', comment: HALF }],
    ['a comment that is no text', { responder: 'ann', comment: { length: 1 } }],
    ['no name', { responder: '' }],
    ['a response that is no JSON', { responder: 'ann', response: { approved: Number.NaN } }],
  ])('S129 with %s is refused as malformed', async (_what, more) => {
    const { orchestrator, id } = await asking();
    const answer = { response: { approved: true }, ...more };
    await expect(orchestrator.tasks.respond(id, answer)).rejects.toMatchObject({
      code: 'argument-invalid',
    });
    expect(await orchestrator.tasks.responses(id)).toEqual([]);
  });

  it('S129 S205 of somebody else does not get the reply to the one before', async () => {
    const { orchestrator, id } = await asking();
    const { tasks } = orchestrator;
    const answer = (responder: string, messageId: string) =>
      tasks.respond(id, { response: { approved: true }, responder, messageId });
    await answer('ann', 'm1');
    await answer('bob', 'm2');
    expect(await answer('bob', 'm2')).toMatchObject({ outcome: 'approved', isDecided: true });
    await expect(answer('eve', 'm2')).rejects.toMatchObject({ code: 'message-conflict' });
  });
});

describe('a malformed change', () => {
  it('S172 whose reason is half of a character is refused as malformed', async () => {
    const { orchestrator } = await asking();
    const skip = orchestrator.change.skipNode('r1', 'ask', { by: 'op', reason: HALF });
    await expect(skip).rejects.toMatchObject({ code: 'argument-invalid' });
    const word = orchestrator.change.completeNode('r1', 'ask', { by: 'op', outcome: HALF });
    await expect(word).rejects.toMatchObject({ code: 'output-invalid' });
  });
});

describe('groups', () => {
  it.each<[string, unknown]>([
    ['no list', () => 'legal'],
    ['nothing', () => undefined],
    ['a text, which is no list of members', { legal: 'annabel' }],
  ])('S206 that are %s entitle nobody', async (_what, groups) => {
    const orchestrator = await createOrchestrator({
      url: temporaryDatabase(),
      handlers: {},
      groups: groups as never,
    });
    onTestFinished(() => orchestrator.close());
    const asked = plan('Asked')
      .approval('ask', { groups: ['legal'] })
      .build();
    await orchestrator.start(asked, { id: 'r1' });
    await orchestrator.settled('r1');
    const [task] = await orchestrator.tasks.list();
    const answer = { response: { approved: true }, responder: 'ann' };
    await expect(orchestrator.tasks.respond(task?.id ?? '', answer)).rejects.toMatchObject({
      code: 'argument-invalid',
    });
  });
});

describe('a review of work whose artifact is kept in a file', () => {
  const payload = 'y'.repeat(100_000);

  async function reviewed(output: object, type: string) {
    const big = () => ({ ok: true, output, artifacts: [{ name: 'r', kind: 'text', payload }] });
    const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: { big } });
    onTestFinished(() => orchestrator.close());
    const outputSchema = { type: 'object', properties: { v: { type: 'integer' } } } as const;
    const deliverables = [{ name: 'r', kind: 'text', schema: { type } }];
    const settings = { handler: 'big', outputSchema, deliverables, onFailure: 'human-review' };
    const failing = plan('Review')
      .action('a', settings as never)
      .build();
    await orchestrator.start(failing, { id: 'r1' });
    await orchestrator.settled('r1');
    const [task] = await orchestrator.tasks.list();
    return { orchestrator, id: task?.id ?? '' };
  }

  it('S135 S100 accepts it as it is where it was good', async () => {
    const { orchestrator, id } = await reviewed({ v: 'one' }, 'string');
    await orchestrator.tasks.respond(id, { response: { decision: 'accept', output: { v: 1 } } });
    expect(await orchestrator.settled('r1')).toBe('completed');
  });

  it('S135 S100 does not accept it as it is where it was not', async () => {
    const { orchestrator, id } = await reviewed({ v: 1 }, 'integer');
    const accept = { decision: 'accept' };
    await expect(orchestrator.tasks.respond(id, { response: accept })).rejects.toMatchObject({
      issues: [{ code: 'artifact-schema-mismatch', path: '/artifacts/0/payload' }],
    });
    const other = [{ name: 'r', kind: 'text', payload: 'z'.repeat(100_000) }];
    await expect(
      orchestrator.tasks.respond(id, { response: accept, artifacts: other }),
    ).rejects.toMatchObject({ issues: [{ code: 'artifact-schema-mismatch' }] });
    const artifacts = [{ name: 'r', kind: 'text', payload: 7 }];
    await orchestrator.tasks.respond(id, { response: { ...accept, artifacts } });
    expect(await orchestrator.settled('r1')).toBe('completed');
  });
});

/** As callers without types may call. */
const untyped = <T>(value: unknown) => value as T;

type Call = (to: Awaited<ReturnType<typeof asking>>['orchestrator']) => Promise<unknown>;

const CALLS: readonly (readonly [string, Call])[] = [
  ['no id of a task', ({ tasks }) => tasks.get(untyped(undefined))],
  ['a number in its place', ({ tasks }) => tasks.responses(untyped(7))],
  ['a limit that is no number', ({ tasks }) => tasks.list({ limit: Number.NaN })],
  ['a limit below nothing', ({ runs }) => runs.list({ limit: -1 })],
  ['a part of a limit', ({ runs }) => runs.events('r1', 0, 1.5)],
  ['a filter that is none', ({ tasks }) => tasks.list(untyped(null))],
  ['no id of a run', ({ runs }) => runs.details(untyped(undefined))],
  ['no options of a fork', ({ change }) => change.fork('r1', untyped(undefined))],
  ['none of a retry', ({ change }) => change.retry('r1', untyped(null))],
  ['none of a skip', ({ change }) => change.skipNode('r1', 'ask', untyped(undefined))],
  ['a node that is a number', ({ change }) => change.skipNode('r1', untyped(5), { by: 'op' })],
  ['one that is nothing', ({ change }) => change.rollback('r1', untyped(null), { by: 'op' })],
  ['an object', ({ change }) => change.completeNode('r1', untyped({}), { by: 'op' })],
  ['a list', ({ change }) => change.patchInput('r1', untyped([]), { by: 'op', input: 1 })],
  ['a node to try again', (orchestrator) => orchestrator.retryNode('r1', untyped(5))],
];

it('S129 S172 an argument that is none is refused as malformed, whichever it is', async () => {
  const { orchestrator } = await asking();
  for (const [what, call] of CALLS) {
    const code = await Promise.resolve(orchestrator)
      .then(call)
      .then(
        () => 'none',
        (error: { readonly code?: string }) => error.code,
      );
    expect({ what, code }).toEqual({ what, code: 'argument-invalid' });
  }
});
