import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { openRunReader } from '../../src/open-reader.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { artifactsPath } from '../../src/persistence/artifact-files.js';
import type { JsonValue } from '../../src/plan/json.js';
import { testKit } from '../../src/testing/index.js';
import { count, startChild } from '../persistence/support/storage.js';
import { action, approval, chain, edge, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const LARGE = { text: 'é'.repeat(60_000), list: [1, null, 'x'] };
const TEXT = JSON.stringify(LARGE);
const DIGEST = createHash('sha256').update(TEXT).digest('hex');

let results: Record<string, (() => unknown)[]> = {};
afterEach(() => {
  results = {};
});

/** Each node gives what `results` has for it, one attempt after another. */
const work = (_input: unknown, { node }: { node: string }) => results[node]?.shift()?.() ?? {};

async function open(url: string): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ url, handlers: { work } });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

const artifact = (payload: JsonValue, name = 'report') => ({ name, kind: 'text', payload });
const giving = (...payloads: JsonValue[]) => ({
  ok: true,
  artifacts: payloads.map((payload) => artifact(payload)),
});

describe('a large payload on disk', () => {
  const { plan: draft } = plan([action('make')]);

  async function made() {
    const url = temporaryDatabase();
    const orchestrator = await open(url);
    results = { make: [() => giving(LARGE, 'small')] };
    await (await orchestrator.start(draft, { id: 'r1' })).result();
    const file = join(artifactsPath(url), DIGEST.slice(0, 2), DIGEST);
    return { url, orchestrator, file };
  }

  it('S94 S97 is in a file, named by its row, and read from there', async () => {
    const { url, orchestrator } = await made();
    const { artifacts } = await orchestrator.runs.details('r1');
    const [large] = artifacts;
    expect(large).toMatchObject({
      pointer: `file:sha256:${DIGEST}`,
      digest: DIGEST,
      bytes: Buffer.byteLength(TEXT),
      standing: 'accepted',
      node: 'make',
      generation: 1,
      attempt: 1,
    });
    expect(large).not.toHaveProperty('payload');
    expect(await count(url, 'select max(length(payload_json)) from artifacts')).toBe(7);
    expect((await orchestrator.runs.artifact('r1', 'report', 1)).payload).toEqual(LARGE);
    expect((await orchestrator.runs.artifact('r1', 'report')).payload).toBe('small');
    const { runs, close } = openRunReader(url);
    expect((await runs.artifact('r1', 'report', 1)).payload).toEqual(LARGE);
    close();
  });

  it('S97 is refused as artifact-corrupt where its file is changed or gone', async () => {
    const { orchestrator, file } = await made();
    writeFileSync(file, TEXT.replace('null', 'true'));
    const read = () => orchestrator.runs.artifact('r1', 'report', 1);
    await expect(read()).rejects.toMatchObject({ code: 'artifact-corrupt', status: 500 });
    rmSync(file);
    await expect(read()).rejects.toMatchObject({ code: 'artifact-corrupt' });
    expect((await orchestrator.runs.details('r1')).artifacts).toHaveLength(2);
  });

  it('S94 is artifact-unknown where there is none of that name or version', async () => {
    const { orchestrator } = await made();
    for (const [name, version] of [['nope'], ['report', 3]] as const) {
      const read = orchestrator.runs.artifact('r1', name, version);
      await expect(read).rejects.toMatchObject({ code: 'artifact-unknown', status: 404 });
    }
  });

  it('S96 the same payload twice is one file', async () => {
    const { url, orchestrator } = await made();
    results = { make: [() => giving(LARGE, LARGE)] };
    await (await orchestrator.start(draft, { id: 'r2' })).result();
    expect(readdirSync(join(artifactsPath(url), DIGEST.slice(0, 2)))).toEqual([DIGEST]);
    expect(await orchestrator.runs.artifacts('r2')).toHaveLength(2);
  });
});

describe('a process that is killed while a judge is asked', () => {
  it('S97 S99 has done the work for good: another one asks the judge, under the same key', async () => {
    const url = temporaryDatabase();
    const journal = `${url}.journal`;
    const { plan: draft } = plan([
      action('make', { checks: [{ name: 'judged', handler: 'judge' }] }),
    ]);
    const { child, lines, ended } = startChild('checked-child.ts', [
      url,
      journal,
      JSON.stringify(draft),
    ]);
    for await (const line of lines) if (line.startsWith('judge')) child.kill('SIGKILL');
    await ended;
    const keys: string[] = [];
    const orchestrator = await createOrchestrator({
      url,
      handlers: {
        work: (_input: unknown, { key }: { key: string }) => keys.push(`work ${key}`),
        judge: ({ artifacts }: { artifacts: object }, { key }: { key: string }) => {
          keys.push(`judge ${key}`);
          return { ok: true, issues: Object.keys(artifacts) };
        },
      },
    });
    onTestFinished(() => orchestrator.close());
    expect(await orchestrator.result('r1')).toMatchObject({ status: 'partial' });
    const asked = 'judge r1/make/1/1/checks/judged/1';
    expect(readFileSync(journal, 'utf8')).toBe(`work r1/make/1/1\n${asked}\n`);
    expect(keys).toEqual([asked]);
    const { payload } = await orchestrator.runs.artifact('r1', 'a');
    expect(payload).toBe('é'.repeat(70_000));
    const { issues } = await orchestrator.runs.details('r1');
    expect(issues).toMatchObject([{ severity: 'warning', message: 'a' }]);
  });
});

describe('artifacts over a restart', () => {
  it('S95 S96 S177 conditions see the newest accepted one of each node, as before', async () => {
    const url = temporaryDatabase();
    const first = await open(url);
    const when = [
      'nodes.a.artifacts.report.payload == "a"',
      'nodes.b.artifacts.report.payload == "b2"',
      'nodes.b.artifacts.report.version == 4.0',
    ].join(' && ');
    const { plan: draft } = plan(
      [action('a'), action('b', { retry: { maxAttempts: 2 } }), approval('ask'), action('last')],
      [...chain('a', 'b', 'ask'), edge('ask', 'last', { when })],
    );
    const failed = { ok: false, error: 'no', artifacts: [artifact('b1')] };
    results = { a: [() => giving('a')], b: [() => failed, () => giving('first', 'b2')] };
    await first.start(draft, { id: 'r1' });
    await first.settled('r1');
    await first.close();
    const second = await open(url);
    const [task] = (await second.runs.details('r1')).tasks;
    await second.respond(task?.id ?? '', { response: { approved: true } });
    expect(await second.result('r1')).toMatchObject({ status: 'completed' });
    const { artifacts, nodes } = await second.runs.details('r1');
    expect(nodes.at(-1)).toMatchObject({ node: 'last', status: 'completed' });
    expect(artifacts.map(({ version, standing, attempt }) => [version, standing, attempt])).toEqual(
      [
        [1, 'accepted', 1],
        [2, 'rejected', 1],
        [3, 'accepted', 2],
        [4, 'accepted', 2],
      ],
    );
    const rejected = await second.runs.artifact('r1', 'report', 2);
    expect(rejected).toMatchObject({ payload: 'b1', standing: 'rejected' });
  });
});

describe('the issues of a run', () => {
  it('S100 S102 have node, generation, attempt, code and severity, those of people too', async () => {
    const orchestrator = await open(temporaryDatabase());
    const { plan: draft } = plan(
      [
        action('make', {
          retry: { maxAttempts: 2 },
          checks: [
            { name: 'good', when: 'output.good', message: 'Not good' },
            { name: 'long', when: 'output.long', severity: 'warning', message: 'Short' },
          ],
        }),
        approval('ask', {
          checks: [{ name: 'why', when: 'has(output.comments)', severity: 'warning' }],
        }),
      ],
      chain('make', 'ask'),
    );
    results = { make: [() => ({ good: false, long: true }), () => ({ good: true, long: false })] };
    await orchestrator.start(draft, { id: 'r1' });
    await orchestrator.settled('r1');
    const [task] = (await orchestrator.runs.details('r1')).tasks;
    await orchestrator.respond(task?.id ?? '', { response: { approved: true } });
    expect((await orchestrator.result('r1')).status).toBe('partial');
    const { issues } = await orchestrator.runs.details('r1');
    const make = { node: 'make', generation: 1, code: 'check-unfulfilled', path: '' };
    expect(issues).toMatchObject([
      { ...make, attempt: 1, severity: 'blocking', message: 'Not good', detail: { check: 'good' } },
      { ...make, attempt: 2, severity: 'warning', message: 'Short' },
      { node: 'ask', generation: 1, attempt: 0, severity: 'warning', code: 'check-unfulfilled' },
    ]);
  });
});

describe('the last good output', () => {
  it('S92 S103 is what it was, whatever a later attempt or generation gives', async () => {
    const kit = await testKit({ handlers: { work } });
    const { plan: draft } = plan(
      [
        action('make', {
          checks: [{ name: 'good', when: 'output.good' }],
          onFailure: 'continue',
          defaultOutput: { good: 'default' },
        }),
        action('try', {
          onFailure: 'backtrack',
          backtrack: { to: 'make' },
        }),
      ],
      chain('make', 'try'),
    );
    const fail = () => {
      throw new Error('again');
    };
    results = { make: [() => ({ good: true }), () => ({ good: false })], try: [fail] };
    const run = await kit.run(draft);
    expect(run.outputs.make).toEqual({ good: 'default' });
    const [first, deleted, covered, last] = await kit.runs.changes(run.id);
    expect([first, deleted, covered, last]).toMatchObject([
      { op: 'set', node: 'make', generation: 1, attempt: 1, value: { good: true } },
      { op: 'delete', node: 'make', generation: 1 },
      { op: 'set', node: 'make', generation: 2, value: { good: 'default' } },
      { op: 'set', node: 'try', generation: 2, value: {} },
    ]);
    const numbers = run.log.filter(/renewed|^node\.(completed|partial)$/);
    expect([first?.seq, deleted?.seq, covered?.seq, last?.seq]).toEqual(
      numbers.map(({ seq }) => seq),
    );
    expect(await kit.runs.changes(run.id, deleted?.seq, 1)).toEqual([covered]);
    const outputs = (await kit.runs.attempts(run.id, 'make')).map(({ output }) => output);
    expect(outputs).toEqual([{ good: true }, { good: false }]);
  });
});
