/** Opens orchestrators on fresh files, and replays recorded turns through the bare journal writer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemEnvironment } from '../dist/actors/environment.js';
import type { Handlers } from '../dist/actors/handlers.js';
import type { Journal } from '../dist/actors/ports.js';
import type { TurnRecord } from '../dist/actors/records.js';
import { createOrchestrator } from '../dist/create-orchestrator.js';
import type { Orchestrator } from '../dist/orchestrator.js';
import type { OrchestratorLimits } from '../dist/orchestrator-options.js';
import { encodePlan, encodeTurn } from '../dist/persistence/encode.js';
import { openStorage } from '../dist/persistence/storage.js';
import { openWriter } from '../dist/persistence/writer.js';

/** Turns in one transaction of the bare writer, where it is not one turn per commit. */
const BARE_BATCH = 200;

const silent = { debug() {}, info() {}, warn() {}, error: console.error };

const defaultHandlers: Handlers = {
  noop: () => undefined,
  'fails-once': (_input, { attempt }) => {
    if (attempt === 1) throw new Error('the first attempt fails');
  },
};

/** The clock of the system, that can be put forward: what is due by then is woken at once. */
export class ForwardClock implements Clock {
  #aheadMs = 0;
  /** What calls each wake-up off, by what would arm it anew. */
  readonly #armed = new Map<() => void, () => void>();

  now(): number {
    return systemEnvironment.clock.now() + this.#aheadMs;
  }

  wakeAt(at: number, wake: () => void): () => void {
    const arm = () => {
      const callOff = systemEnvironment.clock.wakeAt(at - this.#aheadMs, () => {
        this.#armed.delete(arm);
        wake();
      });
      this.#armed.set(arm, callOff);
    };
    arm();
    return () => {
      this.#armed.get(arm)?.();
      this.#armed.delete(arm);
    };
  }

  putForward(ms: number): void {
    this.#aheadMs += ms;
    for (const [arm, callOff] of [...this.#armed]) {
      callOff();
      arm();
    }
  }
}

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
  readonly clock?: Clock;
  readonly limits?: Partial<OrchestratorLimits>;
  /** Receives every turn that is committed. */
  readonly record?: (turn: TurnRecord) => void;
}

export async function openRig(database: string, options: RigOptions = {}): Promise<Orchestrator> {
  const storage = await openStorage({ database });
  const { record, clock } = options;
  const { journal } = storage;
  return createOrchestrator({
    storage: { ...storage, journal: record === undefined ? journal : recording(journal, record) },
    environment: { ...systemEnvironment, ...(clock && { clock }) },
    handlers: options.handlers ?? defaultHandlers,
    logger: silent,
    recover: false,
    ...(options.limits && { limits: options.limits }),
  });
}

function recording(journal: Journal, record: (turn: TurnRecord) => void): Journal {
  return {
    storePlan: (hash, planJson, title, at) => journal.storePlan(hash, planJson, title, at),
    commit: (turn) => {
      record(turn);
      return journal.commit(turn);
    },
    write: (rows) => journal.write(rows),
    release: (run) => journal.release(run),
    health: () => journal.health(),
    close: () => journal.close(),
  };
}

/** Seconds in which the rows of these runs are read as a run is loaded, one run after the other. */
export async function loadSeconds(database: string, runs: readonly string[]): Promise<number> {
  const storage = await openStorage({ database });
  const started = performance.now();
  for (const run of runs) await storage.store.loadRun(run);
  const seconds = (performance.now() - started) / 1_000;
  await storage.close();
  return seconds;
}

/**
 * Seconds that the bare writer takes to make the same rows durable; neither encoding is counted nor
 * the turns `before`, which are there already.
 */
export async function replaySeconds(
  turns: readonly TurnRecord[],
  perCommit = BARE_BATCH,
  before: readonly TurnRecord[] = [],
): Promise<number> {
  const encoded = turns.map(encodeTurn);
  return withDirectory(async (directory) => {
    const writer = await openWriter({ database: join(directory, 'bare.db'), now: Date.now() });
    const hashes = new Set([...before, ...turns].map((turn) => turn.rows.runCreated?.planHash));
    for (const hash of hashes) {
      if (hash !== undefined) await writer.writeBatch([encodePlan(hash, '{}', 'bench', 0)]);
    }
    for (let i = 0; i < before.length; i += BARE_BATCH) {
      await writer.writeBatch(before.slice(i, i + BARE_BATCH).map(encodeTurn));
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
