/** Singletons under random starts, ends and stops of the process at any write. */
import '../support/seed.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RunRecord } from '../../src/actors/records.js';
import { isFinal, type RunStatus } from '../../src/machines/statuses.js';
import { KeyedStarts, type Singleton } from '../../src/schedules/keyed-starts.js';
import { MemoryStorage } from '../../src/testing/memory-storage.js';
import { SimulatedClock } from '../../src/testing/simulation.js';
import { TurnMaker } from '../persistence/support/turns.js';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What happens to runs of one key, over processes that stop. */
class Site {
  readonly #storage = new MemoryStorage();
  readonly #turns = new TurnMaker();
  readonly #waiting = new Map<string, () => void>();
  readonly acknowledged = new Set<string>();
  #process = { writesLeft: Number.POSITIVE_INFINITY };
  #starts = this.#newProcess();

  get unfinished(): string[] {
    const records = [...this.#storage.runs.values()].map(({ record }) => record);
    return records.filter(({ status }) => !isFinal(status)).map(({ id }) => id);
  }

  has(run: string): boolean {
    return this.#storage.runs.has(run);
  }

  start(number: number, onConflict: Singleton['onConflict']): void {
    const process = this.#process;
    const begin = async () => {
      const created = !this.has(`run-${number}`);
      if (!created) return { created };
      const turn = this.#turns.start(number);
      const runCreated = { ...(turn.rows.runCreated as RunRecord), status: 'running' as const };
      const commit = { ...turn, rows: { ...turn.rows, runCreated } };
      await writeIn(process, () => this.#storage.journal.commit(commit));
      return { created };
    };
    this.#starts.single({ key: 'k', onConflict }, { id: `run-${number}`, begin }).then(
      ({ id }) => void this.acknowledged.add(id),
      () => {},
    );
  }

  end(status: RunStatus): void {
    for (const id of this.unfinished) {
      const rows = this.#storage.runs.get(id);
      if (rows !== undefined) rows.record = { ...rows.record, status };
      this.#waiting.get(id)?.();
    }
  }

  stopAfter(writes: number): void {
    this.#process.writesLeft = writes;
  }

  restart(): void {
    this.#process.writesLeft = 0;
    this.#process = { writesLeft: Number.POSITIVE_INFINITY };
    this.#waiting.clear();
    this.#starts = this.#newProcess();
  }

  #newProcess(): KeyedStarts {
    const process = this.#process;
    const { journal, store } = this.#storage;
    return new KeyedStarts({
      clock: new SimulatedClock(),
      journal: { write: (rows) => writeIn(process, () => journal.write(rows)) },
      keys: store.runKeys,
      status: async (run) => this.#storage.runs.get(run)?.record.status,
      replacementOf: async () => undefined,
      // It is asked to end, and takes its time.
      cancel: async () => {},
      whenEnded: (run) => new Promise<void>((resolve) => void this.#waiting.set(run, resolve)),
    });
  }
}

/** A process that has stopped writes nothing, and its callers hear nothing. */
async function writeIn<T>(process: { writesLeft: number }, write: () => Promise<T>): Promise<T> {
  if (process.writesLeft <= 0) return new Promise(() => {});
  process.writesLeft -= 1;
  return write();
}

const asked = {
  number: fc.integer({ min: 1, max: 6 }),
  onConflict: fc.constantFrom('return', 'refuse', 'replace'),
};
const step = fc.oneof(
  fc.record({ is: fc.constant('start' as const), ...asked }),
  fc.record({ is: fc.constant('cut off' as const), ...asked, writes: fc.nat(2) }),
  fc.record({ is: fc.constant('end' as const), status: fc.constantFrom('completed', 'failed') }),
  fc.constant({ is: 'wait' as const }),
);

it('S37 at most one run of a key is unfinished, whatever starts at the same time and wherever processes stop', async () => {
  let most = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 25 }), async (steps) => {
      const site = new Site();
      for (const one of steps) {
        if (one.is === 'start') site.start(one.number, one.onConflict);
        else if (one.is === 'end') site.end(one.status);
        else if (one.is === 'cut off') {
          site.stopAfter(one.writes);
          site.start(one.number, one.onConflict);
          await settled();
          site.restart();
        } else await settled();
        expect(site.unfinished.length).toBeLessThan(2);
        most = Math.max(most, site.unfinished.length);
        for (const id of site.acknowledged) expect(site.has(id)).toBe(true);
      }
    }),
    { numRuns: 400 },
  );
  expect(most).toBe(1);
});
