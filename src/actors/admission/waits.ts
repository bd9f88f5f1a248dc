/**
 * Who waits, and in which order they are called. Invariants: a run waits once per gate, and once for
 * a slot alone; a gate calls no more runs than it has room for; whoever waits `agingMs` counts one
 * level more, up to the highest.
 */
import { FairLine, PRIORITY_LEVELS } from './fair-line.js';
import type { Gate, Wait } from './gate.js';
import { SortedList } from './sorted-list.js';

/** A run that was refused and still wants. */
export interface Waiting {
  readonly run: string;
  /** From 0 to `PRIORITY_LEVELS - 1`, the highest first; others count as the nearest of these. */
  readonly priority: number;
  readonly tenant: string;
}

/** The place that a wait keeps where it goes on as another. */
export type Seniority = Pick<Wait, 'order' | 'since' | 'level'>;

type WaitsOfRun = Map<Gate | undefined, Wait>;

const NONE: ReadonlyMap<Gate | undefined, Wait> = new Map();

export class Waits {
  readonly #agingMs: number;
  readonly #runs = new Map<string, WaitsOfRun>();
  /** In line for a slot. */
  readonly #queue = new FairLine<Wait>();
  /** Those that can rise, by when they do. */
  readonly #rising: SortedList<Wait>;
  #offered = 0;
  #order = 0;
  #ticket = 0;

  constructor(agingMs: number) {
    this.#agingMs = agingMs;
    this.#rising = new SortedList((a, b) => this.#risesAt(a) < this.#risesAt(b));
  }

  get queueSize(): number {
    return this.#queue.size;
  }

  /** Number of slots that are kept for runs. */
  get offered(): number {
    return this.#offered;
  }

  of(run: string): ReadonlyMap<Gate | undefined, Wait> {
    return this.#runs.get(run) ?? NONE;
  }

  /** Lets a run wait; it is in line for a slot at once where it waits for no gate. */
  add(waiting: Waiting, gate: Gate | undefined, seniority: Seniority | undefined, now: number) {
    const { run, tenant } = waiting;
    const top = PRIORITY_LEVELS - 1;
    const priority = Math.min(top, Math.max(0, Math.trunc(waiting.priority)));
    const place = seniority ?? this.#newPlace(priority, now);
    const { order, since, level } = place;
    const wait: Wait = {
      ...{ run, tenant, priority, gate, order, since, level },
      state: gate === undefined ? 'queued' : 'aside',
      ticket: 0,
    };
    this.#waitsOf(run).set(gate, wait);
    if (level < top) this.#rising.push(wait);
    this.#enter(wait);
  }

  remove(wait: Wait): void {
    const waits = this.#runs.get(wait.run);
    waits?.delete(wait.gate);
    if (waits?.size === 0) this.#runs.delete(wait.run);
    this.#rising.remove(wait);
    this.#leave(wait);
    if (wait.state === 'offered') this.#offered -= 1;
  }

  /** Puts a run that had its chance aside again; it keeps its place. */
  putAside(wait: Wait): void {
    this.#leave(wait);
    if (wait.state === 'offered') this.#offered -= 1;
    wait.state = 'aside';
    this.#enter(wait);
  }

  /** Puts a run that used its chance for something else behind those that came meanwhile. */
  putLast(wait: Wait, now: number): void {
    const { run, priority, tenant, gate } = wait;
    this.remove(wait);
    this.add({ run, priority, tenant }, gate, undefined, now);
  }

  /** Takes the next one in line for a slot, and keeps a slot for it. */
  offerNext(): Wait | undefined {
    const wait = this.#queue.shift();
    if (wait === undefined) return undefined;
    wait.state = 'offered';
    this.#ticket += 1;
    wait.ticket = this.#ticket;
    this.#offered += 1;
    return wait;
  }

  /** Calls as many runs as the gate has room for, and takes back calls that others need more. */
  call(gate: Gate, now: number): void {
    const room = gate.room(now);
    while (gate.called.size > room && this.#takeBack(gate)) {}
    for (let next = gate.waiting.peek(); next !== undefined; next = gate.waiting.peek()) {
      const isFull = gate.called.size >= room;
      if (isFull && !(room > 0 && this.#takeBack(gate, next.level))) return;
      gate.waiting.shift();
      next.state = 'queued';
      this.#enter(next);
    }
  }

  /** Raises those that have waited long enough. */
  rise(now: number): void {
    for (let wait = this.#rising.peek(); wait !== undefined; wait = this.#rising.peek()) {
      if (this.#risesAt(wait) > now) return;
      this.#rising.remove(wait);
      this.#leave(wait);
      wait.level = Math.min(PRIORITY_LEVELS - 1, this.#levelAt(wait, now));
      this.#enter(wait);
      if (wait.level < PRIORITY_LEVELS - 1) this.#rising.push(wait);
    }
  }

  /** Takes the least urgent call back, if it is below a level; false where there is none. */
  #takeBack(gate: Gate, below = Number.POSITIVE_INFINITY): boolean {
    const least = gate.called.peek();
    if (least === undefined || least.state === 'offered' || least.level >= below) return false;
    this.putAside(least);
    return true;
  }

  #enter(wait: Wait): void {
    if (wait.state === 'aside') wait.gate?.waiting.add(wait);
    else wait.gate?.called.push(wait);
    if (wait.state === 'queued') this.#queue.add(wait);
  }

  #leave(wait: Wait): void {
    if (wait.state === 'aside') wait.gate?.waiting.remove(wait);
    else wait.gate?.called.remove(wait);
    if (wait.state === 'queued') this.#queue.remove(wait);
  }

  #newPlace(priority: number, now: number): Seniority {
    this.#order += 1;
    return { order: this.#order, since: now, level: priority };
  }

  #waitsOf(run: string): WaitsOfRun {
    let waits = this.#runs.get(run);
    if (waits === undefined) {
      waits = new Map();
      this.#runs.set(run, waits);
    }
    return waits;
  }

  #levelAt({ priority, since }: Wait, now: number): number {
    return priority + Math.floor((now - since) / this.#agingMs);
  }

  #risesAt({ priority, level, since }: Wait): number {
    return since + (level - priority + 1) * this.#agingMs;
  }
}
