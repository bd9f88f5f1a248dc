import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemEnvironment } from '../../src/actors/environment.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { EMITTER_KINDS } from '../../src/emitters.js';
import { isFinal } from '../../src/machines/statuses.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { temporaryDatabase, temporaryDirectory } from '../support/temporary.js';
import type { Recorded } from './record.js';
import { GOES_ON_AFTER_MS, GOLDEN_RUNS, HANDLERS } from './support/runs.js';

const folder = fileURLToPath(new URL('.', import.meta.url));
const versions = readdirSync(folder).filter((name) => /^\d+\.\d+\.\d+/.test(name));

/** Events by which a run or a node run has another status. */
const ENDS = /^(run|node)\.(completed|partial|skipped|failed|cancelled)$/;

const { clock } = systemEnvironment;
const LATER = {
  ...systemEnvironment,
  clock: {
    now: () => clock.now() + GOES_ON_AFTER_MS,
    wakeAt: (at: number, wake: () => void) => clock.wakeAt(at - GOES_ON_AFTER_MS, wake),
  },
};

function recordedIn(version: string): Recorded {
  return JSON.parse(readFileSync(join(folder, version, 'recorded.json'), 'utf8')) as Recorded;
}

/** Opens a copy, a month after it was recorded. */
async function open(version: string): Promise<Orchestrator> {
  const url = temporaryDatabase();
  writeFileSync(url, gunzipSync(readFileSync(join(folder, version, 'database.gz'))));
  return opened(url);
}

async function opened(url: string): Promise<Orchestrator> {
  const environment = LATER;
  const orchestrator = await createOrchestrator({
    url,
    handlers: HANDLERS,
    environment,
    recover: false,
  });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

it('holds a database of every version that was recorded', () => {
  expect(versions.length).toBeGreaterThan(0);
});

describe.each(versions)('the database of version %s', (version) => {
  it('S163 S169 S210 opens, and its runs replay to the hashes that were recorded', async () => {
    const orchestrator = await open(version);
    expect(await orchestrator.examine()).toEqual([]);
    const { hashes } = recordedIn(version);
    const runs = await orchestrator.runs.list({ limit: 1_000 });
    expect(runs.map(({ id }) => id).sort()).toEqual(Object.keys(hashes).sort());
    for (const { id } of runs) {
      const verified = await orchestrator.runs.verify(id);
      expect(verified, id).toMatchObject({ ok: true, hash: hashes[id] });
    }
  });

  it('S186 has with each of its events what it comes from and belongs to, and statuses where one changes', async () => {
    const orchestrator = await open(version);
    for (const { id } of await orchestrator.runs.list({ limit: 1_000 })) {
      for (const event of await orchestrator.runs.events(id)) {
        const { type, emitter, correlation, detail } = event;
        expect(event).toMatchObject({ id: `${id}/${event.seq}`, run: id, at: expect.any(Number) });
        expect(EMITTER_KINDS, type).toContain(emitter.kind);
        expect(correlation).not.toBe('');
        if (ENDS.test(type)) expect(detail, type).toMatchObject({ to: expect.any(String) });
      }
    }
  });

  it('S167 S209 S210 goes on with every run that had not ended, to its end', async () => {
    const orchestrator = await open(version);
    const known = new Set((await orchestrator.runs.list({ limit: 1_000 })).map(({ id }) => id));
    await orchestrator.recover();
    const runs = Object.entries(GOLDEN_RUNS).filter(([id]) => known.has(id));
    expect(runs.filter(([, { left }]) => !isFinal(left)).length).toBeGreaterThan(5);
    for (const [id, { left, goOn, ends }] of runs) {
      if (!isFinal(left)) await goOn?.(orchestrator, id);
      expect((await orchestrator.result(id)).status, id).toBe(ends);
      expect(await orchestrator.runs.verify(id), id).toMatchObject({ ok: true });
    }
    const { hashes } = recordedIn(version);
    for (const [id, { left }] of runs.filter(([, run]) => isFinal(run.left))) {
      expect((await orchestrator.runs.replay(id)).hash, `${id}, ${left}`).toBe(hashes[id]);
    }
  });

  it('S226 has exports that are imported, and replay to the hashes that were recorded', async () => {
    const orchestrator = await opened(join(temporaryDirectory(), 'other.db'));
    const files = readdirSync(join(folder, version)).filter((name) => name.endsWith('.jsonl.gz'));
    expect(files.length).toBeGreaterThan(2);
    const { hashes } = recordedIn(version);
    for (const name of files) {
      const id = name.slice(0, -'.jsonl.gz'.length);
      const imported = await orchestrator.import(join(folder, version, name));
      expect(imported, name).toMatchObject({ run: id, created: true, hash: hashes[id] });
      expect(await orchestrator.runs.verify(id), id).toMatchObject({ ok: true });
    }
  });
});
