/**
 * Takes up what an earlier process left in motion, all of it or one run. Invariants: a run that this process
 * has in hand is not taken up again; from a recovery on this process serves the timers of all runs, before
 * only those of the runs that it was asked about.
 */
import { CHOOSES_ON_DOWNTIME } from '../plan/node-settings.js';
import type { Effects } from './effects.js';
import type { RunMessage } from './messages.js';
import type { RunStore } from './ports.js';
import type { Residents } from './residents.js';
import type { RunMessenger } from './run-messenger.js';

/** Runs that are loaded before the event loop has a turn. */
const LOADS_AT_ONCE = 20;
const PAGE = 500;

export class Recovery {
  readonly #store: RunStore;
  readonly #residents: Residents;
  readonly #messenger: RunMessenger;
  readonly #effects: Effects;
  #servesAll = false;
  readonly #served = new Set<string>();

  constructor(parts: {
    readonly store: RunStore;
    readonly residents: Residents;
    readonly messenger: RunMessenger;
    readonly effects: Effects;
  }) {
    this.#store = parts.store;
    this.#residents = parts.residents;
    this.#messenger = parts.messenger;
    this.#effects = parts.effects;
  }

  /** Whether the timers of a run are this process's to fire. */
  serves(run: string): boolean {
    return this.#servesAll || this.#served.has(run);
  }

  /** This process was asked about a run. */
  noteAsked(run: string): void {
    if (!this.#servesAll) this.#served.add(run);
  }

  /** Takes up everything, and serves the timers of all runs from now on. */
  async recover(): Promise<void> {
    this.#servesAll = true;
    const message: RunMessage = { type: 'run.recover', downSince: await this.#lastSign() };
    let after: string | undefined;
    for (;;) {
      const ids = await this.#store.unfinishedRuns(after, PAGE, CHOOSES_ON_DOWNTIME);
      await this.#tellAll(ids, message);
      after = ids.at(-1);
      if (ids.length < PAGE) break;
    }
    await this.#effects.children.reportUntold(PAGE);
    await this.#effects.timers.tick();
  }

  /** Takes up one run, unless this process has it in hand already. Rejects as the run refuses. */
  async takeUp(run: string): Promise<void> {
    const isInHand =
      this.#residents.actorOf(run) !== undefined || this.#effects.attempts.runsAtWork().has(run);
    // What this process has served before has not been down meanwhile.
    const downSince = this.serves(run) ? null : await this.#lastSign();
    this.noteAsked(run);
    if (!isInHand) await this.#messenger.ask(run, { type: 'run.recover', downSince });
    await this.#effects.timers.tick();
  }

  async #tellAll(ids: readonly string[], message: RunMessage): Promise<void> {
    const inHand = this.#effects.attempts.runsAtWork();
    const left = ids.filter((id) => !inHand.has(id) && !this.#residents.has(id));
    const recovered: Promise<boolean>[] = [];
    for (const id of left) {
      recovered.push(this.#messenger.tellAndWait(id, message));
      // Loading is reading: others have their turn in between.
      if (recovered.length % LOADS_AT_ONCE === 0) await nextTick();
    }
    await Promise.all(recovered);
  }

  /** Until when, at least, a process was at work; null where none ever was. */
  async #lastSign(): Promise<number | null> {
    return (await this.#store.lastTurnAt()) ?? null;
  }
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
