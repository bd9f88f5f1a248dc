/**
 * Lets attempts begin: the one authority on what is at work in this process. Invariants: `used` is
 * the sum over runs, resident or not; no limit is exceeded by what was let in here; after `tick` no
 * slot is free while a run waits that could have it; a run that waits for a gate keeps nobody from
 * another. Its own time never goes back, whatever the clock does.
 */
import { parseHandlerReference } from '../../plan/handler-reference.js';
import { Heap } from '../heap.js';
import type { AttemptOutcome, BreakerPhase } from './circuit-breaker.js';
import { Gate, type Held, type Refusal, type Wait } from './gate.js';
import { assertPolicy, type HandlerPolicy } from './handler-policy.js';
import { type Seniority, type Waiting, Waits } from './waits.js';

/** One attempt of a node, that wants to begin or has begun. */
export interface AttemptRequest {
  readonly run: string;
  /** Distinguishes what is at work for the same run at the same time. */
  readonly node: string;
  readonly handler: string;
  /** Its concurrency key; the same text is the same key to all runs and handlers. */
  readonly key?: string | undefined;
  /** Attempts at work at the same time under this key, 1 by default; what was said last counts. */
  readonly keyLimit?: number | undefined;
}

export type Answer = { readonly granted: true } | ({ readonly granted: false } & Refusal);

export interface HandlerReport {
  readonly handler: string;
  readonly atWork: number;
  readonly breaker: BreakerPhase;
  /** Until when the breaker is open, in milliseconds since the epoch. */
  readonly openUntil?: number;
  readonly waitingRuns: number;
}

export interface AdmissionReport {
  /** Handlers that have a policy. */
  readonly handlers: readonly HandlerReport[];
  /** Runs in line for a slot; those that wait for a gate are not among them. */
  readonly queue: number;
  readonly used: number;
  /** Concurrency keys under which something is at work or waits. */
  readonly keys: number;
}

export interface AdmissionParts {
  /** Attempts at work in this process. */
  readonly concurrency: number;
  readonly policies?: ReadonlyMap<string, HandlerPolicy>;
  /** After how long a wait counts one priority level more, in milliseconds; a minute by default. */
  readonly agingMs?: number;
  /** Tells a run that its turn has come. Whatever becomes of that, `endOffer` follows. */
  offer(run: string, ticket: number): void;
  onBreaker?(handler: string, from: BreakerPhase, to: BreakerPhase): void;
}

/** What one run was refused since its turn began. */
interface Refused {
  readonly run: string;
  /** Gates, with the place that the run had at the other gate of the same attempt. */
  readonly gates: Map<Gate, Seniority | undefined>;
  isBusy: boolean;
}

const AGING_MS = 60_000;
const NO_GATES: readonly Gate[] = [];

export class Admission {
  readonly #parts: AdmissionParts;
  readonly #handlers = new Map<string, Gate>();
  readonly #keys = new Map<string, Gate>();
  readonly #held = new Map<string, Map<string, Held>>();
  readonly #waits: Waits;
  /** Gates at which something changed since the last tick. */
  readonly #changed = new Set<Gate>();
  /** Gates that time opens. */
  readonly #wakes = new Heap<Gate>((a, b) => a.wakeAt < b.wakeAt);
  #refused: Refused | undefined;
  #used = 0;
  /** What the clock was set back by, all together. */
  #setBackMs = 0;
  #latest = 0;

  /** Throws RunchartError `argument-invalid` where a policy makes no sense. */
  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.#waits = new Waits(parts.agingMs ?? AGING_MS);
    for (const [handler, policy] of parts.policies ?? []) {
      assertPolicy(handler, policy);
      this.#handlers.set(handler, new Gate('handler', handler, policy));
    }
  }

  /** Attempts at work. */
  get used(): number {
    return this.#used;
  }

  /**
   * Takes a permit for an attempt. `busy` ends what the run can ask for in this turn; after any other
   * refusal it may ask for attempts of other handlers or keys. Throws where the node has a permit.
   */
  tryTake(request: AttemptRequest, now: number): Answer {
    const time = this.#time(now);
    const gates = this.#gatesOf(request);
    const refusal = gates.length === 0 ? undefined : this.#refusalAt(gates, request.run, time);
    if (refusal !== undefined) return refusal;
    if (!this.#hasSlot(request.run)) {
      this.#refusedOf(request.run).isBusy = true;
      return { granted: false, refused: 'busy' };
    }
    this.#useOffer(request.run, gates, time);
    const held = this.#hold(request, gates);
    for (const gate of gates) this.#watch(gate, () => gate.begin(held, time));
    return { granted: true };
  }

  /** Gives a permit back. `outcome` is what the breaker of its handler learns. */
  release(run: string, node: string, outcome: AttemptOutcome, now: number): void {
    const permits = this.#held.get(run);
    const held = permits?.get(node);
    if (permits === undefined || held === undefined) return;
    permits.delete(node);
    if (permits.size === 0) this.#held.delete(run);
    this.#used -= 1;
    if (held.gates.length === 0) return;
    const time = this.#time(now);
    for (const gate of held.gates) this.#watch(gate, () => gate.end(held, outcome, time));
  }

  /** Sets what a run has at work, after it was rehydrated; says nothing about handlers. */
  adopt(run: string, attempts: readonly Omit<AttemptRequest, 'run'>[], now: number): void {
    if (this.#refused?.run === run) this.#refused = undefined;
    const wanted = new Map(attempts.map((attempt) => [attempt.node, attempt]));
    for (const [node, held] of this.#held.get(run) ?? []) {
      const same = wanted.get(node);
      if (same?.handler === held.handler && same.key === held.key) wanted.delete(node);
      else this.release(run, node, 'other', now);
    }
    for (const attempt of wanted.values()) {
      const request = { ...attempt, run };
      const gates = this.#gatesOf(request);
      this.#hold(request, gates);
      for (const gate of gates) this.#watch(gate, () => gate.resume());
    }
  }

  /** Ends the turn of a run that still wants what it was refused: it waits for that, and for nothing else. */
  enqueue(waiting: Waiting, now: number): void {
    const time = this.#time(now);
    const { run } = waiting;
    const refused = this.#takeRefused(run);
    const waits = this.#waits.of(run);
    if (refused === undefined && waits.size > 0) return;
    const { gates, isBusy } = refused ?? { gates: new Map<Gate, undefined>(), isBusy: true };
    for (const wait of [...waits.values()]) this.#settle(wait, gates, isBusy);
    for (const [gate, seniority] of gates) {
      this.#changed.add(gate);
      if (!this.#waits.of(run).has(gate)) this.#waits.add(waiting, gate, seniority, time);
    }
    if (isBusy && !this.#waits.of(run).has(undefined)) {
      this.#waits.add(waiting, undefined, undefined, time);
    }
  }

  /** Ends the turn of a run that wants nothing, or nothing more. */
  withdraw(run: string): void {
    if (this.#refused?.run === run) this.#refused = undefined;
    for (const wait of [...this.#waits.of(run).values()]) this.#drop(wait);
  }

  /** An offer is over: where the run had no turn meanwhile, what was kept for it is free again. */
  endOffer(run: string, ticket: number): void {
    for (const wait of [...this.#waits.of(run).values()]) {
      if (wait.state === 'offered' && wait.ticket === ticket) this.#drop(wait);
    }
  }

  /** Does what has become possible: opens gates whose time has come, calls runs, offers free slots. */
  tick(now: number): void {
    const time = this.#time(now);
    this.#waits.rise(time);
    for (let gate = this.#wakes.peek(); gate !== undefined; gate = this.#wakes.peek()) {
      if (gate.wakeAt > time) break;
      this.#wakes.remove(gate);
      this.#passTime(gate, time);
    }
    for (const gate of this.#changed) this.#attend(gate, time);
    this.#changed.clear();
    while (this.#used + this.#waits.offered < this.#parts.concurrency) {
      const wait = this.#waits.offerNext();
      if (wait === undefined) return;
      this.#parts.offer(wait.run, wait.ticket);
    }
  }

  /** When `tick` has to be called though nothing happened; as of the last tick. */
  nextWake(): number | undefined {
    const gate = this.#wakes.peek();
    return gate && gate.wakeAt - this.#setBackMs;
  }

  report(): AdmissionReport {
    const handlers = [...this.#handlers].map(([handler, gate]) => {
      const { atWork, phase: breaker, openUntil, waitingRuns } = gate;
      const until = openUntil === undefined ? {} : { openUntil: openUntil - this.#setBackMs };
      return { handler, atWork, breaker, ...until, waitingRuns };
    });
    return { handlers, queue: this.#waits.queueSize, used: this.#used, keys: this.#keys.size };
  }

  #gatesOf({ handler, key, keyLimit = 1 }: AttemptRequest): readonly Gate[] {
    const ofHandler = this.#gateOf(handler);
    if (key === undefined) return ofHandler === undefined ? NO_GATES : [ofHandler];
    let ofKey = this.#keys.get(key);
    if (ofKey === undefined) {
      ofKey = new Gate('key', key, {});
      this.#keys.set(key, ofKey);
    }
    ofKey.concurrency = Math.max(1, keyLimit);
    this.#changed.add(ofKey);
    return ofHandler === undefined ? [ofKey] : [ofHandler, ofKey];
  }

  /** A policy is for all versions of its handler. */
  #gateOf(handler: string): Gate | undefined {
    if (this.#handlers.size === 0) return undefined;
    return this.#handlers.get(handler) ?? this.#handlers.get(parseHandlerReference(handler).key);
  }

  /**
   * Asks all gates. A run waits at one that is shut rather than behind others at one that is open,
   * which would only call it in vain; one that a gate called need not stand behind others.
   */
  #refusalAt(gates: readonly Gate[], run: string, time: number): Answer | undefined {
    const waits = this.#waits.of(run);
    const call = gates.map((gate) => waits.get(gate)).find(isCalled);
    const found =
      findRefusal(gates, () => 0, time) ??
      (call === undefined ? findRefusal(gates, (gate) => gate.waitingRuns, time) : undefined);
    if (found === undefined) return undefined;
    this.#refusedOf(run).gates.set(found.gate, call);
    const { refused, retryAt } = found.refusal;
    const at = retryAt === undefined ? {} : { retryAt: retryAt - this.#setBackMs };
    return { granted: false, refused, ...at };
  }

  #hasSlot(run: string): boolean {
    const free = this.#parts.concurrency - this.#used - this.#waits.offered;
    if (free > 0 && this.#waits.queueSize === 0) return true;
    const isOffered = findOffer(this.#waits.of(run), NO_GATES) !== undefined;
    return isOffered && free + 1 > 0;
  }

  /** What the permit satisfies is waited for no longer; an offer of another gate is used up by it. */
  #useOffer(run: string, gates: readonly Gate[], time: number): void {
    const waits = this.#waits.of(run);
    if (waits.size === 0) return;
    const offer = findOffer(waits, gates);
    const satisfied = gates.flatMap((gate) => waits.get(gate) ?? []);
    const slot = waits.get(undefined);
    if (satisfied.length === 0 && slot !== undefined) satisfied.push(slot);
    for (const wait of satisfied) this.#drop(wait);
    if (offer === undefined || satisfied.includes(offer)) return;
    if (offer.gate === undefined) return this.#drop(offer);
    this.#changed.add(offer.gate);
    this.#waits.putLast(offer, time);
  }

  #hold({ run, node, handler, key }: AttemptRequest, gates: readonly Gate[]): Held {
    let permits = this.#held.get(run);
    if (permits === undefined) {
      permits = new Map();
      this.#held.set(run, permits);
    }
    if (permits.has(node)) throw new Error(`node "${node}" of run ${run} has a permit already`);
    const held = { handler, key, gates };
    permits.set(node, held);
    this.#used += 1;
    return held;
  }

  /** At the end of a turn: what was refused is waited for on, what was not reached too, all else is not. */
  #settle(wait: Wait, gates: ReadonlyMap<Gate, unknown>, isBusy: boolean): void {
    const { gate, state } = wait;
    // Where the turn ended for want of a slot, the run has not come to ask for everything.
    const isWanted = isBusy || (gate !== undefined && gates.has(gate));
    const isOver = gate === undefined && state === 'offered';
    if (!isWanted || isOver) return this.#drop(wait);
    if (gate === undefined || state !== 'offered') return;
    this.#changed.add(gate);
    this.#waits.putAside(wait);
  }

  #drop(wait: Wait): void {
    if (wait.gate !== undefined) this.#changed.add(wait.gate);
    this.#waits.remove(wait);
  }

  #attend(gate: Gate, time: number): void {
    if (gate.kind === 'key' && gate.isIdle) {
      this.#keys.delete(gate.name);
      return;
    }
    this.#waits.call(gate, time);
    this.#wakes.remove(gate);
    gate.wakeAt = gate.opensAt(time);
    if (gate.wakeAt !== Number.POSITIVE_INFINITY) this.#wakes.push(gate);
  }

  #passTime(gate: Gate, time: number): void {
    this.#watch(gate, () => gate.pass(time));
  }

  /** Lets something happen at a gate, and reports a breaker that it changed. */
  #watch(gate: Gate, happen: () => void): void {
    const from = gate.phase;
    happen();
    this.#changed.add(gate);
    if (gate.phase !== from) this.#parts.onBreaker?.(gate.name, from, gate.phase);
  }

  #refusedOf(run: string): Refused {
    if (this.#refused?.run !== run) this.#refused = { run, gates: new Map(), isBusy: false };
    return this.#refused;
  }

  #takeRefused(run: string): Refused | undefined {
    const refused = this.#refused?.run === run ? this.#refused : undefined;
    this.#refused = undefined;
    return refused;
  }

  /** The clock's time, but never earlier than it was. */
  #time(now: number): number {
    this.#setBackMs += Math.max(0, this.#latest - now - this.#setBackMs);
    this.#latest = now + this.#setBackMs;
    return this.#latest;
  }
}

function isCalled(wait: Wait | undefined): boolean {
  return wait !== undefined && wait.state !== 'aside';
}

/** The first gate that refuses an attempt, and why. */
function findRefusal(
  gates: readonly Gate[],
  ahead: (gate: Gate) => number,
  time: number,
): { readonly gate: Gate; readonly refusal: Refusal } | undefined {
  for (const gate of gates) {
    const refusal = gate.refusal(ahead(gate), time);
    if (refusal !== undefined) return { gate, refusal };
  }
  return undefined;
}

/** The slot that is kept for a run: for one of these gates, else for any attempt, else for another gate. */
function findOffer(
  waits: ReadonlyMap<Gate | undefined, Wait>,
  gates: readonly Gate[],
): Wait | undefined {
  for (const gate of gates) {
    const wait = waits.get(gate);
    if (wait?.state === 'offered') return wait;
  }
  const slot = waits.get(undefined);
  if (slot?.state === 'offered') return slot;
  for (const wait of waits.values()) if (wait.state === 'offered') return wait;
  return undefined;
}
