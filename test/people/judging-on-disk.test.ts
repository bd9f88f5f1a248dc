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
});
