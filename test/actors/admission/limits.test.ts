import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission } from '../../../src/actors/admission/admission.js';
import {
  type BreakerEvent,
  type BreakerPolicy,
  type BreakerState,
  CLOSED_BREAKER,
  nextBreaker,
} from '../../../src/actors/admission/circuit-breaker.js';
import { FairLine } from '../../../src/actors/admission/fair-line.js';
import type { HandlerPolicy } from '../../../src/actors/admission/handler-policy.js';
import { admit, available, FULL_BUCKET } from '../../../src/actors/admission/rate-limit.js';
import { ReadyLanes } from '../../../src/actors/admission/ready-lanes.js';
import { Heap } from '../../../src/actors/heap.js';

describe('a breaker', () => {
  const inRow: BreakerPolicy = { failures: 3, cooldownMs: 100, maxCooldownMs: 250 };
  const share: BreakerPolicy = {
    ...{ failureShare: 0.5, minOutcomes: 4, windowMs: 1_000 },
    cooldownMs: 100,
  };

  function replay(
    policy: BreakerPolicy,
    events: readonly (readonly [BreakerEvent, number])[],
    from: BreakerState = CLOSED_BREAKER,
  ): BreakerState {
    return events.reduce((state, [event, at]) => nextBreaker(policy, state, event, at), from);
  }

  it('S122 opens at so many failures in a row, and a success begins the row anew', () => {
    const closed = replay(inRow, [
      ['failed', 1],
      ['failed', 2],
      ['ok', 3],
      ['failed', 4],
      ['other', 5],
      ['failed', 6],
    ]);
    expect(closed).toMatchObject({ phase: 'closed', inRow: 2 });
    const open = replay(inRow, [['failed', 7]], closed);
    expect(open).toEqual({ phase: 'open', until: 107, cooldownMs: 100 });
  });

  it('S122 opens at a share of failures among enough outcomes of late', () => {
    const few = replay(share, [
      ['failed', 0],
      ['ok', 10],
      ['failed', 20],
    ]);
    expect(few.phase).toBe('closed');
    expect(replay(share, [['failed', 30]], few).phase).toBe('open');
    expect(replay(share, [['failed', 1_000]], few).phase).toBe('closed');
    expect(
      replay(
        share,
        [
          ['ok', 30],
          ['ok', 31],
          ['failed', 32],
        ],
        few,
      ).phase,
    ).toBe('open');
    expect(
      replay(
        share,
        [
          ['ok', 30],
          ['ok', 31],
          ['ok', 32],
          ['failed', 33],
        ],
        few,
      ).phase,
    ).toBe('closed');
  });

  it('S122 keeps no more of a window than ten counts', () => {
    let state = CLOSED_BREAKER;
    for (let at = 0; at < 5_000; at += 7) state = nextBreaker(share, state, 'ok', at);
    expect(state.phase === 'closed' && state.slices.length).toBe(10);
  });

  it('S122 is half-open when its cooldown is over, whatever happens then', () => {
    const open: BreakerState = { phase: 'open', until: 50, cooldownMs: 100 };
    for (const event of ['time', 'ok', 'failed', 'other'] as const) {
      expect(nextBreaker(inRow, open, event, 49)).toBe(open);
      const halfOpen = { phase: 'half-open', isProbing: false, cooldownMs: 100 };
      expect(nextBreaker(inRow, open, event, 50)).toEqual(halfOpen);
    }
  });

  it('S122 is closed by its probe, or opened for twice as long up to a bound', () => {
    const probing: BreakerState = { phase: 'half-open', isProbing: true, cooldownMs: 100 };
    expect(nextBreaker(inRow, probing, 'ok', 9)).toEqual(CLOSED_BREAKER);
    expect(nextBreaker(inRow, probing, 'other', 9)).toEqual({ ...probing, isProbing: false });
    const open = nextBreaker(inRow, probing, 'failed', 9);
    expect(open).toEqual({ phase: 'open', until: 209, cooldownMs: 200 });
    const again = replay(
      inRow,
      [
        ['time', 209],
        ['started', 209],
        ['failed', 300],
      ],
      open,
    );
    expect(again).toEqual({ phase: 'open', until: 550, cooldownMs: 250 });
  });
});

describe('a rate limit', () => {
  it('S223 is kept in every stretch of time, and wastes nothing', () => {
    const policy = fc.record({
      limit: fc.integer({ min: 1, max: 9 }),
      perMs: fc.integer({ min: 1, max: 500 }),
      burst: fc.integer({ min: 1, max: 4 }),
    });
    const gaps = fc.array(fc.nat(120), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(policy, gaps, (limited, steps) => {
        const begun: number[] = [];
        let state = FULL_BUCKET;
        let now = 1_700_000_000_000;
        for (const gap of steps) {
          now += gap;
          const free = available(limited, state, now);
          for (let i = 0; i < free; i++) {
            const admission = admit(limited, state, now);
            if (!admission.ok) throw new Error('available, and refused');
            state = admission.state;
            begun.push(now);
          }
          const refused = admit(limited, state, now);
          if (refused.ok) throw new Error('not available, and admitted');
          expect(refused.at).toBeGreaterThan(now);
          expect(available(limited, state, refused.at - 1)).toBe(0);
          expect(available(limited, state, refused.at)).toBeGreaterThan(0);
        }
        for (const [i, from] of begun.entries()) {
          const within = begun.slice(i).filter((at) => at < from + limited.perMs).length;
          expect(within).toBeLessThanOrEqual(limited.limit + limited.burst - 1);
        }
      }),
    );
  });
});

describe('a policy', () => {
  const wrong: readonly HandlerPolicy[] = [
    { concurrency: 0 },
    { rateLimit: { limit: 1.5, perMs: 100 } },
    { rateLimit: { limit: 1, perMs: 0 } },
    { rateLimit: { limit: 1, perMs: 1, burst: -1 } },
    { circuitBreaker: { failures: Number.NaN, cooldownMs: 1 } },
    { circuitBreaker: { failureShare: 2, minOutcomes: 1, windowMs: 1, cooldownMs: 1 } },
    { circuitBreaker: { failures: 1, cooldownMs: 1, maxCooldownMs: 0 } },
  ];

  it.each(wrong)('S223 that makes no sense is refused: %j', (policy) => {
    const policies = new Map([['h', policy]]);
    expect(() => new Admission({ concurrency: 1, policies, offer: () => {} })).toThrow(
      expect.objectContaining({ code: 'argument-invalid' }),
    );
  });
});

describe('Heap', () => {
  it('gives the first, and gives up any, like a sorted list', () => {
    const steps = fc.array(
      fc.record({ item: fc.nat(20), act: fc.constantFrom('push', 'remove', 'shift') }),
    );
    fc.assert(
      fc.property(steps, (all) => {
        const heap = new Heap<number>((a, b) => a < b);
        const model = new Set<number>();
        for (const { item, act } of all) {
          const first = [...model].sort((a, b) => a - b)[0];
          if (act === 'shift') {
            expect(heap.shift()).toBe(first);
            if (first !== undefined) model.delete(first);
          } else if (act === 'remove') expect(heap.remove(item)).toBe(model.delete(item));
          else if (!model.has(item)) {
            heap.push(item);
            model.add(item);
          }
          expect(heap.peek()).toBe([...model].sort((a, b) => a - b)[0]);
          expect(heap.size).toBe(model.size);
          expect(heap.has(item)).toBe(model.has(item));
        }
      }),
    );
  });
});

describe('FairLine', () => {
  interface Waiter {
    readonly tenant: string;
    readonly level: number;
    readonly order: number;
  }

  /** The same line as lists: per level the tenants in order of their turns, each with its waiters. */
  class PlainLine {
    readonly levels = new Map<number, { tenant: string; waiters: Waiter[] }[]>();

    add(waiter: Waiter): void {
      const tenants = this.levels.get(waiter.level) ?? [];
      this.levels.set(waiter.level, tenants);
      let line = tenants.find(({ tenant }) => tenant === waiter.tenant);
      if (line === undefined) {
        line = { tenant: waiter.tenant, waiters: [] };
        tenants.push(line);
      }
      line.waiters.push(waiter);
      line.waiters.sort((a, b) => a.order - b.order);
    }

    shift(): Waiter | undefined {
      const top = Math.max(
        ...[...this.levels.keys()].filter((level) => this.levels.get(level)?.length),
      );
      const tenants = this.levels.get(top) ?? [];
      const line = tenants.shift();
      const waiter = line?.waiters.shift();
      if (line !== undefined && line.waiters.length > 0) tenants.push(line);
      return waiter;
    }

    remove(waiter: Waiter): void {
      const tenants = this.levels.get(waiter.level) ?? [];
      for (const line of tenants) line.waiters = line.waiters.filter((one) => one !== waiter);
      this.levels.set(
        waiter.level,
        tenants.filter(({ waiters }) => waiters.length > 0),
      );
    }
  }

  it('S223 goes by level, then by tenant in turns, then by order, like plain lists', () => {
    const join = fc.record({
      tenant: fc.constantFrom('a', 'b', 'c'),
      level: fc.nat(2),
      late: fc.boolean(),
    });
    const step = fc.oneof(
      join,
      join,
      fc.constant('shift' as const),
      fc.record({ remove: fc.nat(30) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const line = new FairLine<Waiter>();
        const model = new PlainLine();
        const present: Waiter[] = [];
        steps.forEach((current, i) => {
          if (current === 'shift') {
            const waiter = line.shift();
            expect(waiter).toBe(model.shift());
            if (waiter !== undefined) present.splice(present.indexOf(waiter), 1);
          } else if ('remove' in current) {
            const [waiter] = present.splice(current.remove, 1);
            if (waiter === undefined) return;
            line.remove(waiter);
            model.remove(waiter);
          } else {
            const { tenant, level, late } = current;
            const waiter = { tenant, level, order: late ? i : -i };
            for (const one of [line, model]) one.add(waiter);
            present.push(waiter);
          }
          expect(line.size).toBe(present.length);
        });
        while (present.length > 0) {
          const waiter = line.shift();
          expect(waiter).toBe(model.shift());
          if (waiter === undefined) throw new Error('one is lost');
          present.splice(present.indexOf(waiter), 1);
        }
        expect(line.shift()).toBeUndefined();
      }),
    );
  });
});

describe('ReadyLanes', () => {
  it('S54 gives the earliest item whose lane is open, like a list that is searched', () => {
    const lane = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(fc.record({ push: lane }), fc.constantFrom('shift', 'shut', 'openAll'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const lanes = new ReadyLanes<{ readonly lane: string }>();
        const model: { readonly lane: string }[] = [];
        const shut = new Set<string>();
        for (const current of steps) {
          const next = model.find((item) => !shut.has(item.lane));
          if (typeof current === 'object') {
            const item = { lane: current.push };
            lanes.push(item.lane, item);
            model.push(item);
          } else if (current === 'shift') {
            expect(lanes.shift()).toBe(next);
            if (next !== undefined) model.splice(model.indexOf(next), 1);
          } else if (current === 'shut') {
            lanes.shut();
            if (next !== undefined) shut.add(next.lane);
          } else {
            lanes.openAll();
            shut.clear();
          }
          expect(lanes.peek()).toBe(model.find((item) => !shut.has(item.lane)));
          expect(lanes.size).toBe(model.length);
        }
      }),
    );
  });
});
