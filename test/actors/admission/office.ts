/**
 * Drives `Admission` as the supervisor and the deciders of runs do: turns ask, ends release, offers
 * are answered in any order and end later. Beside it keeps the plainest model of all limits, and
 * compares both at every step.
 */
import { expect } from 'vitest';
import { Admission, type AttemptRequest } from '../../../src/actors/admission/admission.js';
import type { AttemptOutcome } from '../../../src/actors/admission/circuit-breaker.js';
import type { HandlerPolicy } from '../../../src/actors/admission/handler-policy.js';
import { ReadyLanes } from '../../../src/actors/admission/ready-lanes.js';

export interface Demand {
  readonly handler: string;
  readonly key?: string;
  readonly keyLimit?: number;
}

type Attempt = AttemptRequest & { readonly began: number };

interface RunOptions {
  readonly tenant?: string;
  readonly priority?: number;
  readonly concurrency?: number;
}

class Run {
  readonly id: string;
  readonly tenant: string;
  readonly priority: number;
  readonly concurrency: number;
  readonly ready = new ReadyLanes<AttemptRequest>();
  readonly work = new Map<string, Attempt>();
  isPaused = false;

  constructor(id: string, { tenant = 't', priority = 0, concurrency = 1_000 }: RunOptions) {
    this.id = id;
    this.tenant = tenant;
    this.priority = priority;
    this.concurrency = concurrency;
  }

  get wantsSlot(): boolean {
    return !this.isPaused && this.ready.size > 0 && this.work.size < this.concurrency;
  }

  push(request: AttemptRequest): void {
    this.ready.push(`${request.handler} ${request.key ?? ''}`, request);
  }
}

/** The same limits, worked out from nothing but what began and ended, and when. */
class Model {
  readonly policy: HandlerPolicy;
  nextTokenAt = Number.NEGATIVE_INFINITY;
  inRow = 0;
  openUntil = Number.NEGATIVE_INFINITY;
  cooldownMs = 0;
  probe: string | undefined;

  constructor(policy: HandlerPolicy) {
    this.policy = policy;
  }

  get isClosed(): boolean {
    return this.cooldownMs === 0;
  }

  /** When time alone would let the next one begin; infinite where an end has to come first. */
  opensAt(atWork: number, now: number): number {
    if (atWork >= (this.policy.concurrency ?? 1_000) || this.probe !== undefined) {
      return Number.POSITIVE_INFINITY;
    }
    return Math.max(now, this.openUntil, this.firstTokenAt);
  }

  get firstTokenAt(): number {
    const { rateLimit } = this.policy;
    if (rateLimit === undefined) return Number.NEGATIVE_INFINITY;
    return this.nextTokenAt - ((rateLimit.burst ?? 1) - 1) * (rateLimit.perMs / rateLimit.limit);
  }

  begin(id: string, now: number): void {
    const { rateLimit } = this.policy;
    if (rateLimit !== undefined) {
      this.nextTokenAt = Math.max(this.nextTokenAt, now) + rateLimit.perMs / rateLimit.limit;
    }
    if (!this.isClosed) this.probe = id;
  }

  end(id: string, outcome: AttemptOutcome, now: number): void {
    const { circuitBreaker } = this.policy;
    if (circuitBreaker === undefined || !('failures' in circuitBreaker)) return;
    if (!this.isClosed) {
      if (this.probe !== id) return;
      this.probe = undefined;
      if (outcome === 'failed') this.#open(this.cooldownMs * 2, now);
      else if (outcome === 'ok') [this.cooldownMs, this.inRow] = [0, 0];
      return;
    }
    if (outcome === 'failed') this.inRow += 1;
    if (outcome === 'ok') this.inRow = 0;
    if (this.inRow >= circuitBreaker.failures) this.#open(circuitBreaker.cooldownMs, now);
  }

  #open(wantedMs: number, now: number): void {
    const maxMs = this.policy.circuitBreaker?.maxCooldownMs ?? Number.POSITIVE_INFINITY;
    this.cooldownMs = Math.min(wantedMs, maxMs);
    this.openUntil = now + this.cooldownMs;
  }
}

export interface OfficeOptions {
  readonly concurrency: number;
  readonly policies?: Readonly<Record<string, HandlerPolicy>>;
  readonly agingMs?: number;
}

export class Office {
  readonly admission: Admission;
  readonly runs = new Map<string, Run>();
  /** Offers that were made and not answered. */
  readonly offers: { readonly run: string; readonly ticket: number }[] = [];
  /** Offers whose turn is over and not durable yet. */
  readonly answered: { readonly run: string; readonly ticket: number }[] = [];
  /** Runs whose attempts began, in order. */
  readonly log: string[] = [];
  readonly breakers: string[] = [];
  now = 1_000;
  turns = 0;
  /** Offers that no turn of their run has come after. */
  readonly #open = new Map<number, string>();
  readonly #models = new Map<string, Model>();
  readonly #concurrency: number;
  #node = 0;

  constructor({ concurrency, policies = {}, agingMs }: OfficeOptions) {
    this.#concurrency = concurrency;
    for (const [handler, policy] of Object.entries(policies)) {
      this.#models.set(handler, new Model(policy));
    }
    this.admission = new Admission({
      concurrency,
      policies: new Map(Object.entries(policies)),
      ...(agingMs !== undefined && { agingMs }),
      offer: (run, ticket) => {
        this.offers.push({ run, ticket });
        this.#open.set(ticket, run);
      },
      onBreaker: (handler, from, to) => this.breakers.push(`${handler} ${from} ${to}`),
    });
  }

  /** A run with demands, and its first turn. */
  start(id: string, demands: readonly Demand[], options: RunOptions = {}): void {
    this.runs.set(id, new Run(id, options));
    this.demand(id, demands);
  }

  demand(id: string, demands: readonly Demand[]): void {
    for (const demand of demands) {
      this.#node += 1;
      this.run(id).push({ ...demand, run: id, node: `n${this.#node}` });
    }
    this.turn(id);
  }

  run(id: string): Run {
    const run = this.runs.get(id);
    if (run === undefined) throw new Error(`there is no run ${id}`);
    return run;
  }

  /** What is at work, in the order in which it began. */
  get work(): readonly Attempt[] {
    return [...this.runs.values()]
      .flatMap((run) => [...run.work.values()])
      .sort((a, b) => a.began - b.began);
  }

  get demands(): number {
    return [...this.runs.values()].reduce((sum, run) => sum + run.ready.size, 0);
  }

  turn(id: string): void {
    const run = this.run(id);
    this.turns += 1;
    this.#grantSlots(run);
    for (const [ticket, other] of this.#open) if (other === id) this.#open.delete(ticket);
    const { priority, tenant } = run;
    if (run.wantsSlot) this.admission.enqueue({ run: id, priority, tenant }, this.now);
    else this.admission.withdraw(id);
    this.admission.tick(this.now);
  }

  /** The run of an offer has its turn. */
  answer(index = 0): void {
    const [offer] = this.offers.splice(index, 1);
    if (offer === undefined) return;
    this.answered.push(offer);
    this.turn(offer.run);
  }

  /** An offer comes to nothing: the run could not take a turn; it has one of another cause later. */
  lose(index: number): void {
    const [offer] = this.offers.splice(index, 1);
    if (offer === undefined) return;
    this.#endOffer(offer);
    this.turn(offer.run);
  }

  /** The turn of an answered offer is durable. */
  settle(index = 0): void {
    const [offer] = this.answered.splice(index, 1);
    if (offer !== undefined) this.#endOffer(offer);
  }

  end(attempt: Attempt, outcome: AttemptOutcome = 'ok'): void {
    this.#finish(attempt, outcome);
    this.admission.release(attempt.run, attempt.node, outcome, this.now);
    this.turn(attempt.run);
  }

  /** A turn was void: what it began never began, and the run is rehydrated. */
  void(id: string): void {
    const run = this.run(id);
    for (const attempt of [...run.work.values()]) {
      this.#finish(attempt, 'other');
      run.push(attempt);
    }
    this.admission.adopt(id, [], this.now);
    this.turn(id);
  }

  pause(id: string, isPaused: boolean): void {
    this.run(id).isPaused = isPaused;
    this.turn(id);
  }

  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const wakeAt = this.admission.nextWake();
      if (wakeAt === undefined || wakeAt > until) break;
      this.now = Math.max(this.now, wakeAt);
      this.admission.tick(this.now);
      expect(this.admission.nextWake() ?? this.now + 1).toBeGreaterThan(this.now);
    }
    this.now = until;
    this.admission.tick(until);
  }

  /** Answers all offers, those that follow included. */
  quiet(): void {
    for (let i = 0; this.offers.length > 0; i++) {
      if (i > 10_000) throw new Error('offers without end');
      this.answer();
    }
    while (this.answered.length > 0) this.settle();
  }

  /** Lets all runs come to their end. */
  drain(): void {
    for (const id of this.runs.keys()) this.pause(id, false);
    this.quiet();
    while (this.demands + this.work.length > 0) {
      const [first] = this.work;
      if (first !== undefined) this.end(first);
      else {
        const wakeAt = this.admission.nextWake();
        if (wakeAt === undefined) throw new Error('a wake-up was lost');
        this.advance(wakeAt - this.now);
      }
      this.quiet();
      this.expectNothingForgotten();
    }
    expect(this.admission.report()).toMatchObject({ queue: 0, used: 0, keys: 0 });
    expect(this.admission.report().handlers.every((one) => one.waitingRuns === 0)).toBe(true);
  }

  /** No offer being open, nobody who could begin now waits, and who could begin by time is woken. */
  expectNothingForgotten(): void {
    if (this.offers.length > 0 || this.work.length >= this.#concurrency) return;
    for (const run of this.runs.values()) {
      if (!run.wantsSlot) continue;
      for (const request of this.#firsts(run)) {
        const opensAt = this.#opensAt(request);
        expect(opensAt, `${run.id} could begin ${request.handler}`).toBeGreaterThan(this.now);
        if (opensAt === Number.POSITIVE_INFINITY) continue;
        expect(this.admission.nextWake()).toBeLessThanOrEqual(opensAt);
      }
    }
  }

  #grantSlots(run: Run): void {
    let offers = [...this.#open.values()].filter((other) => other === run.id).length;
    run.ready.openAll();
    while (run.wantsSlot) {
      const request = run.ready.peek();
      if (request === undefined) return;
      const isQueueing = this.admission.report().queue > 0;
      const answer = this.admission.tryTake(request, this.now);
      if (answer.granted) {
        if (isQueueing) expect(offers, `${run.id} goes before the queue`).toBeGreaterThan(0);
        offers -= 1;
        run.ready.shift();
        this.#begin(run, request);
      } else if (answer.refused === 'busy') return;
      else run.ready.shut();
    }
  }

  #begin(run: Run, request: AttemptRequest): void {
    expect(this.work.length, 'the limit of the process').toBeLessThan(this.#concurrency);
    expect(this.#opensAt(request), 'the gates').toBeLessThanOrEqual(this.now);
    this.log.push(run.id);
    run.work.set(request.node, { ...request, began: this.log.length });
    this.#models.get(request.handler)?.begin(`${run.id}/${request.node}`, this.now);
    expect(this.admission.used).toBe(this.work.length);
  }

  #finish({ run, node, handler }: Attempt, outcome: AttemptOutcome): void {
    this.run(run).work.delete(node);
    this.#models.get(handler)?.end(`${run}/${node}`, outcome, this.now);
  }

  #endOffer({ run, ticket }: { readonly run: string; readonly ticket: number }): void {
    this.#open.delete(ticket);
    this.admission.endOffer(run, ticket);
    this.admission.tick(this.now);
  }

  #opensAt({ handler, key, keyLimit = 1 }: AttemptRequest): number {
    const atWork = this.work.filter((attempt) => attempt.handler === handler).length;
    const underKey = this.work.filter((attempt) => attempt.key === key).length;
    if (key !== undefined && underKey >= keyLimit) return Number.POSITIVE_INFINITY;
    return this.#models.get(handler)?.opensAt(atWork, this.now) ?? this.now;
  }

  /** The first request of each lane of a run. */
  #firsts(run: Run): AttemptRequest[] {
    const firsts: AttemptRequest[] = [];
    run.ready.openAll();
    for (let next = run.ready.peek(); next !== undefined; next = run.ready.peek()) {
      firsts.push(next);
      run.ready.shut();
    }
    run.ready.openAll();
    return firsts;
  }
}
