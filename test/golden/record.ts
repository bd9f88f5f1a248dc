/**
 * `npm run golden`: records a database of this version, with runs in many states, and the files that
 * those which have ended are exported to. Once a version is released its folder is never recorded again.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { isFinal } from '../../src/machines/statuses.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { GOLDEN_RUNS, type GoldenRun, HANDLERS } from './support/runs.js';

/** What is known of the runs of a golden database; test/golden/golden.test.ts compares. */
export interface Recorded {
  /** By id: the hash that each run, those of subplans included, replays to where it is left. */
  readonly hashes: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const target = join(root, 'test/golden', version);

/** Resolves when the run is where it is left. */
async function leave(orchestrator: Orchestrator, id: string, run: GoldenRun): Promise<void> {
  await orchestrator.start(run.plan, { id, ...run.options });
  await run.prepare?.(orchestrator, id);
  if (run.left !== 'running') await orchestrator.settled(id);
  // What goes on by itself has come to its wait when a run that was started later has ended.
  await (await orchestrator.start(GOLDEN_RUNS.failed?.plan as never)).result();
  const { status } = await orchestrator.runs.summary(id);
  if (status !== run.left) throw new Error(`run ${id} is ${status}, and not ${run.left}`);
}

async function record(folder: string): Promise<void> {
  process.env.RUNCHART_GOLDEN = 'recording';
  const url = join(folder, 'runs.db');
  const limits = { drainMs: 0 };
  const orchestrator = await createOrchestrator({ url, handlers: HANDLERS, limits });
  for (const [id, run] of Object.entries(GOLDEN_RUNS)) await leave(orchestrator, id, run);
  const hashes: Record<string, string> = {};
  mkdirSync(target, { recursive: true });
  for (const { id, status } of await orchestrator.runs.list({ limit: 1_000 })) {
    const { hash, matches } = await orchestrator.runs.replay(id);
    if (!matches) throw new Error(`run ${id} does not replay to what is stored`);
    hashes[id] = hash;
    if (!(id in GOLDEN_RUNS) || !isFinal(status)) continue;
    const lines: string[] = [];
    for await (const line of orchestrator.runs.export(id)) lines.push(line);
    writeFileSync(join(target, `${id}.jsonl.gz`), gzipSync(lines.join('')));
  }
  await orchestrator.close();
  writeFileSync(join(target, 'database.gz'), gzipSync(readFileSync(url)));
  const recorded: Recorded = { hashes };
  writeFileSync(join(target, 'recorded.json'), `${JSON.stringify(recorded, null, 2)}\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'runchart-golden-'));
try {
  await record(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
