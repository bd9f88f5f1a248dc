import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { CommitError, type Journal } from '../../src/actors/ports.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { importRun } from '../../src/history/import-run.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { openStorage } from '../../src/persistence/storage.js';
import { RunReader } from '../../src/run-reader.js';
import { count } from '../persistence/support/storage.js';
import { temporaryDatabase } from '../support/temporary.js';
import {
  exported,
  fileWith,
  HANDLERS,
  openOrchestrator,
  playVaried,
  startVaried,
  VARIED,
} from './support/played-runs.js';

/** An export of a run with all that can happen to one, and what it was where it came from. */
let content: string;
let origin: { readonly [of: string]: unknown };

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-export-'));
  const orchestrator = await createOrchestrator({
    url: join(folder, 'runs.db'),
    handlers: HANDLERS,
  });
  try {
    await playVaried(orchestrator, 'r1');
    content = await exported(orchestrator, 'r1');
    origin = await everythingOf(orchestrator, 'r1');
  } finally {
    await orchestrator.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** What the API says of a run, without what depends on the database that it is in. */
async function everythingOf({ runs }: Orchestrator, id: string) {
  const { hash, differences } = await runs.replay(id);
  const { tasks, origin: _, ...details } = await runs.details(id);
  return {
    details,
    tasks,
    events: await runs.events(id),
    nodes: await runs.nodeRuns(id),
    attempts: await runs.attempts(id, 'flaky'),
    result: await runs.result(id),
    state: await runs.stateAt(id, 12),
    why: await runs.why(id, 'after'),
    hash,
    differences,
  };
}

describe('an exported run', () => {
  it('S90 S226 imports elsewhere, is what it was, and replays to the same hash', async () => {
    const database = temporaryDatabase();
    const elsewhere = await openOrchestrator(database);
    const imported = await elsewhere.import(fileWith(content));
    expect(imported).toEqual({ run: 'r1', created: true, runs: 2, hash: origin.hash });
    expect(await everythingOf(elsewhere, 'r1')).toEqual(origin);
    expect(origin.attempts).toMatchObject([
      { outcome: 'failed', input: { text: 'Grüße\u2028😀' } },
      { outcome: 'completed', input: { text: 'anders' } },
    ]);
    const { seq } = await elsewhere.runs.details('r1');
    expect(await elsewhere.runs.summary('r1')).toMatchObject({
      origin: { type: 'import', run: 'r1', seq },
    });
    for (const { id } of await elsewhere.runs.list()) {
      expect(await elsewhere.runs.verify(id)).toMatchObject({ ok: true });
    }
    expect(await count(database, 'select count(*) from runs where origin_json is not null')).toBe(
      2,
    );
    expect(await count(database, 'select count(*) from responses')).toBe(1);
  });

  it('S226 can be exported again, and changes no more', async () => {
    const elsewhere = await openOrchestrator(temporaryDatabase());
    await elsewhere.import(fileWith(content));
    await expect(elsewhere.cancel('r1')).rejects.toMatchObject({ code: 'run-ended' });
    const further = await openOrchestrator(temporaryDatabase());
    const again = await further.import(fileWith(await exported(elsewhere, 'r1')));
    expect(again).toMatchObject({ created: true, hash: origin.hash });
  });

  it('S226 imports once, also where it came from', async () => {
    const database = temporaryDatabase();
    const elsewhere = await openOrchestrator(database);
    await elsewhere.import(fileWith(content));
    const rows = () => count(database, 'select count(*) from run_events');
    const before = await rows();
    expect(await elsewhere.import(fileWith(gzipSync(content)))).toMatchObject({ created: false });
    const reexported = fileWith(await exported(elsewhere, 'r1'));
    expect(await elsewhere.import(reexported)).toMatchObject({ created: false });
    expect(await rows()).toBe(before);
  });

  it('S226 is refused where another run has its id, and imports under another one', async () => {
    const elsewhere = await openOrchestrator(temporaryDatabase());
    await playVaried(elsewhere, 'r1');
    const path = fileWith(content);
    await expect(elsewhere.import(path)).rejects.toMatchObject({ code: 'run-conflict' });
    expect(await elsewhere.import(path, { as: 'copy' })).toMatchObject({
      run: 'copy',
      created: true,
    });
    const { hash, matches } = await elsewhere.runs.replay('copy');
    expect([hash, matches]).toEqual([origin.hash, true]);
    const [child] = await elsewhere.runs.history.childrenOf('copy', 0);
    expect(child?.id).toBe('copy.1');
    const inner = await elsewhere.runs.nodeRuns('copy.1');
    expect(inner.map(({ node, status }) => [node, status])).toEqual([['deep', 'completed']]);
    await expect(elsewhere.import(path, { as: 'no id' })).rejects.toMatchObject({
      code: 'argument-invalid',
    });
  });

  it('S226 belongs to no run there, whoever has the id of its parent', async () => {
    const orchestrator = await openOrchestrator(temporaryDatabase());
    await playVaried(orchestrator, 'r1');
    const family = await orchestrator.runs.history.childrenOf('r1', 0);
    const [child] = family;
    const file = fileWith(await exported(orchestrator, child?.id ?? ''));
    expect(await orchestrator.import(file, { as: 'c2' })).toMatchObject({ created: true });
    expect(await orchestrator.runs.history.childrenOf('r1', 0)).toEqual(family);
    expect(await orchestrator.runs.verify('c2')).toMatchObject({ ok: true });
    expect(await orchestrator.trim({ olderThanMs: 0, dryRun: true })).toMatchObject({ runs: 3 });
    const again = fileWith(await exported(orchestrator, 'c2'));
    expect(await orchestrator.import(again)).toMatchObject({ run: 'c2', created: false });
  });

  it('S226 has a run with tasks once in a database', async () => {
    const elsewhere = await openOrchestrator(temporaryDatabase());
    await elsewhere.import(fileWith(content));
    const again = elsewhere.import(fileWith(content), { as: 'copy' });
    await expect(again).rejects.toMatchObject({ code: 'run-conflict' });
    expect((await elsewhere.runs.list()).length).toBe(2);
  });

  it('S226 is refused before it has ended', async () => {
    const orchestrator = await openOrchestrator(temporaryDatabase());
    await startVaried(orchestrator, 'r1');
    await expect(exported(orchestrator, 'r1')).rejects.toMatchObject({ code: 'run-not-ended' });
  });
});

describe('a file that is not as it was written', () => {
  it('S226 is refused whatever is changed in it, and nothing of it is stored', async () => {
    const database = temporaryDatabase();
    const elsewhere = await openOrchestrator(database);
    const bytes = Buffer.from(content);
    const property = async (place: number, value: number) => {
      const changed = Buffer.from(bytes);
      const at = place % changed.length;
      fc.pre(changed[at] !== value);
      changed[at] = value;
      const code = await codeOf(elsewhere.import(fileWith(changed)));
      expect(['export-damaged', 'export-unknown-format']).toContain(code);
    };
    await fc.assert(fc.asyncProperty(fc.nat(), fc.integer({ min: 0, max: 255 }), property), {
      numRuns: 150,
    });
    expect(await count(database, 'select count(*) from runs')).toBe(0);
  }, 120_000);

  it('S226 is refused where it breaks off, or a line is missing, twice there or misplaced', async () => {
    const elsewhere = await openOrchestrator(temporaryDatabase());
    const lines = content.trimEnd().split('\n');
    const property = async (place: number, how: number) => {
      const at = place % lines.length;
      const changed = [...lines];
      if (how === 0) changed.length = at;
      else if (how === 1) changed.splice(at, 1);
      else if (how === 2) changed.splice(at, 0, lines[at] ?? '');
      else changed.push(changed.shift() ?? '');
      const code = await codeOf(elsewhere.import(fileWith(`${changed.join('\n')}\n`)));
      expect(['export-damaged', 'export-unknown-format']).toContain(code);
    };
    const how = fc.integer({ min: 0, max: 3 });
    await fc.assert(fc.asyncProperty(fc.nat(), how, property), { numRuns: 60 });
    const torn = gzipSync(content).subarray(0, -20);
    expect(await codeOf(elsewhere.import(fileWith(torn)))).toBe('export-damaged');
  }, 120_000);

  it('S226 is refused though its digest was made to fit, by chain, replay and rows', async () => {
    const elsewhere = await openOrchestrator(temporaryDatabase());
    const forgeries: [RegExp, string][] = [
      [/"type":"node.completed"/, '"type":"node.skipped"'],
      [/"edges":"t"/, '"edges":"d"'],
      [/"ended":\{"run":"r1","seq":\d+/, '"ended":{"run":"r1","seq":3'],
      [/"outcome":"failed","outputJson"/, '"outcome":"completed","outputJson"'],
      [/"table":"attempts"/, '"table":"owner"'],
      [/"generation":1,/, ''],
      [/"status":"completed","inputJson"/, '"status":"running","inputJson"'],
    ];
    for (const [part, forged] of forgeries) {
      const changed = withSum(content.replace(part, forged));
      expect(changed, String(part)).not.toBe(content);
      expect(await codeOf(elsewhere.import(fileWith(changed))), String(part)).toBe(
        'export-damaged',
      );
    }
  });

  it('S226 is refused as foreign where it is no export, or one of another version', async () => {
    const elsewhere = await openOrchestrator(temporaryDatabase());
    for (const text of ['', 'hello\n', '{}\n', '{"format":"other"}\n', '[1]\n']) {
      expect(await codeOf(elsewhere.import(fileWith(text)))).toBe('export-unknown-format');
    }
    const later = withSum(content.replace('"version":1', '"version":2'));
    expect(await codeOf(elsewhere.import(fileWith(later)))).toBe('export-unknown-format');
    expect(await codeOf(elsewhere.import('/no/such/file'))).toBe('argument-invalid');
  });
});

describe('an import that is broken off', () => {
  it('S226 leaves nothing to see, and is completed by the next one', async () => {
    const path = fileWith(content);
    for (let writes = 0; ; writes += 3) {
      const database = temporaryDatabase();
      const isOver = await importUntil(database, path, writes);
      const orchestrator = await openOrchestrator(database);
      if (isOver) break;
      expect(await orchestrator.runs.list()).toEqual([]);
      await expect(orchestrator.runs.summary('r1')).rejects.toMatchObject({ code: 'run-unknown' });
      if ((await count(database, 'select count(*) from runs')) > 0) {
        const taken = orchestrator.start(VARIED, { id: 'r1' });
        await expect(taken).rejects.toMatchObject({ code: 'run-conflict' });
      }
      expect(await orchestrator.import(path)).toMatchObject({ created: true, hash: origin.hash });
      expect(await everythingOf(orchestrator, 'r1')).toEqual(origin);
      expect(await orchestrator.runs.verify('r1')).toMatchObject({ ok: true });
      expect(await count(database, 'select count(*) from runs')).toBe(2);
      await orchestrator.close();
      if (writes > 300) throw new Error('it never comes to its end');
    }
  }, 120_000);

  it('S226 is swept away by that of another file, and by a trim', async () => {
    const other = await openOrchestrator(temporaryDatabase());
    await playVaried(other, 'r1');
    const otherFile = fileWith(await exported(other, 'r1'));
    const database = temporaryDatabase();
    await importUntil(database, fileWith(content), 12);
    const orchestrator = await openOrchestrator(database);
    expect(await orchestrator.import(otherFile)).toMatchObject({ created: true });
    expect(await orchestrator.runs.verify('r1')).toMatchObject({ ok: true });
    const swept = temporaryDatabase();
    await importUntil(swept, fileWith(content), 12);
    const sweeping = await openOrchestrator(swept);
    expect(await sweeping.trim({})).toMatchObject({ runs: 0 });
    for (const table of ['runs', 'run_events', 'actor_versions', 'checkpoints', 'node_runs']) {
      expect(await count(swept, `select count(*) from ${table}`), table).toBe(0);
    }
  });
});

/** Imports with a journal that takes so many writes and no more; whether that was enough. */
async function importUntil(database: string, path: string, writes: number): Promise<boolean> {
  const storage = await openStorage({ database });
  let left = writes;
  const refuse = () => Promise.reject(new CommitError('journal-closed', 'the process stops'));
  const journal: Journal = {
    storePlan: (...plan) => storage.journal.storePlan(...plan),
    commit: (turn) => (left-- > 0 ? storage.journal.commit(turn) : refuse()),
    write: (rows) => (left-- > 0 ? storage.journal.write(rows) : refuse()),
    release: (run) => storage.journal.release(run),
    health: () => storage.journal.health(),
    close: () => storage.journal.close(),
  };
  let [run, turn] = [0, 0];
  const parts = {
    journal,
    store: storage.store,
    contents: storage.artifacts,
    rows: new RunReader(storage.rows, storage.artifacts).history,
    nextRun: () => (run += 1),
    nextTurn: () => (turn += 1),
  };
  const code = await codeOf(importRun(parts, path));
  await storage.close();
  expect(['journal-closed', 'fine']).toContain(code);
  return code === 'fine';
}

/** The file with a digest that fits it. */
function withSum(text: string): string {
  const body = text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1);
  const sum = createHash('sha256').update(body).digest('hex');
  return `${body}${JSON.stringify({ sum })}\n`;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'fine';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
