/**
 * What resident and watched runs look like, an atom each, fed by commits only: whoever subscribes
 * never sees anything that is not on disk.
 */
import { createAtom } from '@xstate/store';
import type { NodeStatus, RunStatus } from '../machines/statuses.js';

/** A run as its newest commit left it. */
export interface LiveRun {
  readonly id: string;
  readonly status: RunStatus;
  /** Number of the newest durable event. */
  readonly seq: number;
  /** Number of node runs with each status. */
  readonly nodes: Readonly<Record<NodeStatus, number>>;
}

type LiveAtom = ReturnType<typeof createAtom<LiveRun | undefined>>;

export class LiveIndex {
  readonly #atoms = new Map<
    string,
    { readonly atom: LiveAtom; watchers: number; resident: boolean }
  >();

  /** Runs that are in memory now. */
  residents(): readonly LiveRun[] {
    const runs: LiveRun[] = [];
    for (const { atom, resident } of this.#atoms.values()) {
      const live = atom.get();
      if (resident && live !== undefined) runs.push(live);
    }
    return runs;
  }

  readonly #everywhere = new Set<() => void>();
  readonly #onError: (run: string, error: unknown) => void;

  /** `onError` is told of listeners that throw: they harm neither the run nor other listeners. */
  constructor(onError: (run: string, error: unknown) => void) {
    this.#onError = onError;
  }

  get(run: string): LiveRun | undefined {
    return this.#atoms.get(run)?.atom.get();
  }

  /** Calls `listener` after every commit of the run; returns a function that ends it. */
  watch(run: string, listener: (live: LiveRun) => void): () => void {
    const entry = this.#entry(run);
    entry.watchers += 1;
    const subscription = entry.atom.subscribe((live) => {
      if (live === undefined) return;
      try {
        listener(live);
      } catch (error) {
        this.#onError(run, error);
      }
    });
    return () => {
      subscription.unsubscribe();
      entry.watchers -= 1;
      this.#forget(run);
    };
  }

  /** Calls `listener`, which does not throw, after every commit of any run; returns a function that ends it. */
  watchAll(listener: () => void): () => void {
    this.#everywhere.add(listener);
    return () => this.#everywhere.delete(listener);
  }

  /** A turn of the run became durable. */
  committed(live: LiveRun): void {
    this.#entry(live.id).atom.set(live);
    for (const listener of this.#everywhere) listener();
  }

  setResident(run: string, resident: boolean): void {
    this.#entry(run).resident = resident;
    this.#forget(run);
  }

  #entry(run: string) {
    let entry = this.#atoms.get(run);
    if (entry === undefined) {
      entry = { atom: createAtom<LiveRun | undefined>(undefined), watchers: 0, resident: false };
      this.#atoms.set(run, entry);
    }
    return entry;
  }

  #forget(run: string): void {
    const entry = this.#atoms.get(run);
    if (entry !== undefined && !entry.resident && entry.watchers === 0) this.#atoms.delete(run);
  }
}
