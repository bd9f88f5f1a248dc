/** A judgement that is awaited, on real files: over closings, in exports and forks. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator, type Orchestrator, plan } from '../../src/index.js';
import { temporaryDatabase, temporaryDirectory } from '../support/temporary.js';

const LARGE = 'x'.repeat(100_000);

const judged = plan('Judged')
  .action('make', {
    handler: 'make',
    checks: [{ name: 'liked', threshold: 5, ask: { responders: ['ann'] } }],
    retry: { maxAttempts: 2, retryOn: ['check'] },
  })
  .build();

const asked = plan('Asked')
  .input('ask', {
    deliverables: [{ name: 'large', kind: 'text' }],
    checks: [{ name: 'liked', ask: {} }],
  })
  .build();

const HERS = {
  response: { text: 'hers' },
  responder: 'ann',
  artifacts: [{ name: 'large', kind: 'text', payload: LARGE }],
};

/** A run in which ann has answered, and somebody has to judge that. */
async function answerUpToJudge(orchestrator: Orchestrator): Promise<void> {
  await orchestrator.start(asked, { id: 'r1' });
  await orchestrator.settled('r1');
  await orchestrator.tasks.respond(await taskOf(orchestrator), HERS);
}

interface Place {
  readonly orchestrator: Orchestrator;
  /** How often the work was done in this process. */
  worked(): number;
}

async function open(url: string): Promise<Place> {
  let worked = 0;
  const make = () => {
    worked += 1;
    const artifacts = [
      { name: 'large', kind: 'text', payload: LARGE },
      { name: 'small', kind: 'text', payload: 'small' },
      { name: 'elsewhere', kind: 'text', pointer: 'https://example.org' },
    ];
    return { ok: true, output: { n: worked }, artifacts };
  };
  const orchestrator = await createOrchestrator({ url, handlers: { make } });
  onTestFinished(() => orchestrator.close());
  return { orchestrator, worked: () => worked };
}

/** A run up to its judge. */
async function awaiting(orchestrator: Orchestrator, id = 'r1'): Promise<void> {
  await orchestrator.start(judged, { id });
  expect(await orchestrator.settled(id)).toBe('awaiting-human');
}

async function taskOf({ tasks }: Orchestrator, run = 'r1'): Promise<string> {
  const [task] = await tasks.list({ run });
  return task?.id ?? '';
}

describe('a judgement on disk', () => {
  it('S234 S165 is awaited by another process, which shows all of the product and does no work', async () => {
    const url = temporaryDatabase();
    const first = await open(url);
    await awaiting(first.orchestrator);
    await first.orchestrator.close();
    const second = await open(url);
    const { orchestrator } = second;
    const task = await taskOf(orchestrator);
    expect((await orchestrator.tasks.artifact(task, 'large')).payload).toBe(LARGE);
    expect(await orchestrator.tasks.artifact(task, 'small')).toMatchObject({ payload: 'small' });
    expect(await orchestrator.tasks.artifact(task, 'elsewhere')).toEqual({
      name: 'elsewhere',
      kind: 'text',
      pointer: 'https://example.org',
    });
    await expect(orchestrator.tasks.artifact(task, 'none')).rejects.toMatchObject({
      code: 'artifact-unknown',
    });
    await orchestrator.tasks.respond(task, { response: { score: 9 }, responder: 'ann' });
    expect((await orchestrator.result('r1')).outputs).toEqual({ make: { n: 1 } });
    expect((await orchestrator.runs.artifact('r1', 'large')).payload).toBe(LARGE);
    expect([first.worked(), second.worked()]).toEqual([1, 0]);
  });

  it('S234 S226 S100 goes with an export, and the log says what the rows say', async () => {
    const { orchestrator, worked } = await open(temporaryDatabase());
    await awaiting(orchestrator);
    const refusal = { score: 2, requiredEdits: ['more'] };
    const answer = { response: refusal, responder: 'ann' };
    await orchestrator.tasks.respond(await taskOf(orchestrator), answer);
    expect(await orchestrator.settled('r1')).toBe('awaiting-human');
    const [shown] = await orchestrator.tasks.list({ run: 'r1' });
    expect(shown?.presented).toMatchObject({
      output: { n: 2 },
      history: [{ outcome: 'changes-requested', requiredEdits: ['more'] }],
    });
    const enough = { response: { score: 7 }, responder: 'ann' };
    await orchestrator.tasks.respond(shown?.id ?? '', enough);
    await orchestrator.result('r1');
    expect(worked()).toBe(2);
    const file = join(temporaryDirectory(), 'run.jsonl');
    let text = '';
    for await (const part of orchestrator.runs.export('r1')) text += part;
    writeFileSync(file, text);
    const elsewhere = (await open(temporaryDatabase())).orchestrator;
    await elsewhere.import(file);
    const { hash, differences } = await elsewhere.runs.replay('r1');
    expect(differences).toEqual([]);
    expect(hash).toBe((await orchestrator.runs.replay('r1')).hash);
    expect((await elsewhere.runs.details('r1')).issues).toMatchObject([
      { node: 'make', attempt: 1, code: 'check-unfulfilled' },
      { node: 'make', attempt: 1, message: 'more' },
    ]);
    const shownThere = await elsewhere.tasks.list({ run: 'r1', status: 'answered' });
    expect(shownThere.map(({ kind, round }) => ({ kind, round }))).toEqual([
      { kind: 'human-check', round: 1 },
      { kind: 'human-check', round: 2 },
    ]);
  });

  it('S234 is not carried over by a fork, in which the work is done and judged anew', async () => {
    const { orchestrator, worked } = await open(temporaryDatabase());
    await awaiting(orchestrator);
    const fork = await orchestrator.change.fork('r1', { by: 'op', id: 'r2' });
    expect(await orchestrator.settled(fork.id)).toBe('awaiting-human');
    expect(worked()).toBe(2);
    const task = await taskOf(orchestrator, 'r2');
    await orchestrator.tasks.respond(task, { response: { score: 5 }, responder: 'ann' });
    expect((await orchestrator.result('r2')).outputs).toEqual({ make: { n: 2 } });
    expect(await orchestrator.settled('r1')).toBe('awaiting-human');
  });

  it('S234 S165 S97 an answer that is judged has all that was handed over with it, over closings', async () => {
    const url = temporaryDatabase();
    const first = await open(url);
    await answerUpToJudge(first.orchestrator);
    await first.orchestrator.close();
    const { orchestrator } = await open(url);
    const [shown] = await orchestrator.tasks.list({ run: 'r1', answerableBy: 'bob' });
    expect(shown).toMatchObject({ kind: 'human-check', presented: { outcome: 'answered' } });
    expect(await orchestrator.tasks.list({ run: 'r1', answerableBy: 'ann' })).toEqual([]);
    expect((await orchestrator.tasks.artifact(shown?.id ?? '', 'large')).payload).toBe(LARGE);
    const own = { response: { approved: true }, responder: 'ann' };
    await expect(orchestrator.tasks.respond(shown?.id ?? '', own)).rejects.toMatchObject({
      code: 'responder-excluded',
    });
    await orchestrator.tasks.respond(shown?.id ?? '', { ...own, responder: 'bob' });
    expect((await orchestrator.result('r1')).outputs).toEqual({ ask: { text: 'hers' } });
    expect((await orchestrator.runs.artifact('r1', 'large')).payload).toBe(LARGE);
  });

  it('S234 S226 S169 S100 S137 answers that were refused go with an export, which replays to the same hash', async () => {
    const { orchestrator } = await open(temporaryDatabase());
    await answerUpToJudge(orchestrator);
    const no = { approved: false, requiredEdits: ['shorter'] };
    const judge = { response: no, responder: 'bob' };
    await orchestrator.tasks.respond(await taskOf(orchestrator), judge);
    await orchestrator.tasks.respond(await taskOf(orchestrator), { ...HERS, messageId: 'm2' });
    const again = await orchestrator.tasks.list({ run: 'r1', status: 'answered' });
    const repeated = again.find(({ round, kind }) => round === 2 && kind === 'human-input');
    // The same message again gets the same answer, while it is judged too.
    expect(
      await orchestrator.tasks.respond(repeated?.id ?? '', { ...HERS, messageId: 'm2' }),
    ).toMatchObject({ outcome: 'answered', isDecided: true });
    const yes = { response: { approved: true }, responder: 'bob' };
    await orchestrator.tasks.respond(await taskOf(orchestrator), yes);
    await orchestrator.result('r1');
    const { hash, differences } = await orchestrator.runs.replay('r1');
    expect(differences).toEqual([]);
    const file = join(temporaryDirectory(), 'run.jsonl');
    let text = '';
    for await (const part of orchestrator.runs.export('r1')) text += part;
    writeFileSync(file, text);
    const elsewhere = (await open(temporaryDatabase())).orchestrator;
    await elsewhere.import(file);
    expect(await elsewhere.runs.replay('r1')).toMatchObject({ hash, differences: [] });
    const { issues } = await elsewhere.runs.details('r1');
    expect(issues).toMatchObject([
      { node: 'ask', attempt: 1, code: 'check-unfulfilled' },
      { node: 'ask', attempt: 1, message: 'shorter' },
    ]);
    expect(await elsewhere.runs.attempts('r1')).toMatchObject([
      { node: 'ask', attempt: 1, worker: 'ann', outcome: 'failed' },
      { node: 'ask', attempt: 2, worker: 'ann', outcome: 'completed' },
    ]);
    const artifacts = await elsewhere.runs.artifacts('r1');
    expect(artifacts.map(({ standing }) => standing)).toEqual(['rejected', 'accepted']);
  });

  it('S234 S216 a fork from the middle of a judgement asks for the answer anew', async () => {
    const { orchestrator } = await open(temporaryDatabase());
    await answerUpToJudge(orchestrator);
    await orchestrator.change.fork('r1', { by: 'op', id: 'r2' });
    expect(await orchestrator.settled('r2')).toBe('awaiting-human');
    expect(await orchestrator.tasks.list({ run: 'r2' })).toMatchObject([{ kind: 'human-input' }]);
  });
});
