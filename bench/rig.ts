/** Opens orchestrators on fresh files, and replays recorded turns through the bare journal writer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnvironment } from '../dist/actors/environment.js';
import { HandlerRegistry, type Handlers } from '../dist/actors/handlers.js';
import type { Journal } from '../dist/actors/ports.js';
import type { TurnRecord } from '../dist/actors/records.js';
import { DEFAULT_LIMITS, Orchestrator, type OrchestratorLimits } from '../dist/orchestrator.js';
import { encodePlan, encodeTurn } from '../dist/persistence/encode.js';
import { openStorage } from '../dist/persistence/storage.js';
import { openWriter } from '../dist/persistence/writer.js';
import { RunReader } from '../dist/run-reader.js';

/** Turns in one transaction of the bare writer, where it is not one turn per commit. */
const BARE_BATCH = 200;

const silent = { debug() {}, info() {}, warn() {}, error: console.error };

/** Runs `work` on a new directory, and removes it. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(
    join(process.env.RUNCHART_BENCH_DIR ?? tmpdir(), 'runchart-bench-'),
  );
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export interface RigOptions {
  readonly handlers?: Handlers;
  readonly limits?: Partial<OrchestratorLimits>;
  /** Receives every turn that is committed. */
  readonly record?: (turn: TurnRecord) => void;
}

export async function openRig(database: string, options: RigOptions = {}): Promise<Orchestrator> {
  const storage = await openStorage({ database });
  const { record } = options;
  return new Orchestrator({
    environment: systemEnvironment,
    registry: new HandlerRegistry(options.handlers ?? { noop: () => undefined }),
    journal: record === undefined ? storage.journal : recording(storage.journal, record),
    store: storage.store,
    runs: new RunReader(storage.reader),
    logger: silent,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    ...(await storage.store.highWater()),
    announce: (address) => storage.journal.setAddress(address),
    closeStorage: () => storage.close(),
  });
}

function recording(journal: Journal, record: (turn: TurnRecord) => void): Journal {
  return {
    storePlan: (hash, planJson, title, at) => journal.storePlan(hash, planJson, title, at),
    commit: (turn) => {
      record(turn);
      return journal.commit(turn);
    },
    release: (run) => journal.release(run),
    health: () => journal.health(),
    close: () => journal.close(),
  };
}

/** Seconds that the bare writer takes to make the same rows durable; encoding is not counted. */
export async function replaySeconds(
  turns: readonly TurnRecord[],
  perCommit = BARE_BATCH,
): Promise<number> {
  const encoded = turns.map(encodeTurn);
  return withDirectory(async (directory) => {
    const writer = await openWriter({ database: join(directory, 'bare.db'), now: Date.now() });
    const hashes = new Set(turns.map((turn) => turn.rows.runCreated?.planHash));
    for (const hash of hashes) {
      if (hash !== undefined) await writer.writeBatch([encodePlan(hash, '{}', 'bench', 0)]);
    }
    const started = performance.now();
    for (let i = 0; i < encoded.length; i += perCommit) {
      await writer.writeBatch(encoded.slice(i, i + perCommit));
    }
    const seconds = (performance.now() - started) / 1_000;
    writer.close();
    return seconds;
  });
}
