/** A clock that moves only when told to, and ids and chance from a seed: runs repeat exactly. */
import type { Environment } from '../actors/environment.js';

interface Wake {
  readonly at: number;
  readonly wake: () => void;
}

/** Time of a new simulation: an arbitrary whole number of seconds since the epoch. */
const START = 1_700_000_000_000;

export class SimulatedClock {
  #now = START;
  readonly #wakes = new Set<Wake>();

  now(): number {
    return this.#now;
  }

  wakeAt(at: number, wake: () => void): () => void {
    const entry = { at, wake };
    this.#wakes.add(entry);
    return () => this.#wakes.delete(entry);
  }

  /** When the next wake-up is due. */
  get next(): number | undefined {
    const times = [...this.#wakes].map((entry) => entry.at);
    return times.length === 0 ? undefined : Math.max(this.#now, Math.min(...times));
  }

  /** Forgets all wake-ups, as a process does that stops. */
  callOffAll(): void {
    this.#wakes.clear();
  }

  /** Moves on by `ms`, and wakes up in order of time what falls due. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = [...this.#wakes].filter((w) => w.at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#wakes.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
    this.#now = until;
  }
}

export interface SimulatedEnvironment extends Environment {
  readonly clock: SimulatedClock;
}

/** A deterministic environment. Ids are `id-000001`, `id-000002` …, which sort as they were made; chance is a 32-bit generator (mulberry32). */
export function simulatedEnvironment(seed: number): SimulatedEnvironment {
  let ids = 0;
  let state = seed >>> 0;
  return {
    clock: new SimulatedClock(),
    id: () => {
      ids += 1;
      return `id-${String(ids).padStart(6, '0')}`;
    },
    random: () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}
