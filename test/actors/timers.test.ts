import { describe, expect, it } from 'vitest';
import type { RunStore } from '../../src/actors/ports.js';
import { TimerService } from '../../src/actors/timer-service.js';
import { SimulatedClock } from '../../src/testing/simulation.js';
import { Kernel } from '../support/kernel.js';
import { action, plan } from '../support/plans.js';

interface Stored {
  readonly id: string;
  readonly runId: string;
  readonly dueAt: number;
}

const drained = async () => {
  for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
};

/** The service over a list of timers; a timer that is delivered is taken off the list. */
class Service {
  readonly clock = new SimulatedClock();
  readonly timers: Stored[] = [];
  readonly fired: string[] = [];
  readonly unserved = new Set<string>();
  /** Called while storage is reading. */
  whileReading = () => {};
  readonly timerService: TimerService;

  constructor() {
    const silent = { debug() {}, info() {}, warn() {}, error() {} };
    this.timerService = new TimerService({
      clock: this.clock,
      store: this.#store as unknown as RunStore,
      logger: silent,
      serves: (run) => !this.unserved.has(run),
      fire: async (run, timer) => {
        const place = this.timers.findIndex(({ id }) => id === timer);
        const [stored] = this.timers.splice(place, 1);
        expect(this.clock.now()).toBeGreaterThanOrEqual(stored?.dueAt ?? Number.NaN);
        expect(stored?.runId).toBe(run);
        this.fired.push(timer);
        return true;
      },
    });
  }

  add(id: string, inMs: number, runId = 'r1'): number {
    const dueAt = this.clock.now() + inMs;
    this.timers.push({ id, runId, dueAt });
    this.timers.sort((a, b) => a.dueAt - b.dueAt);
    return dueAt;
  }

  /** Moves the clock on, and wakes up as often as something is due by then. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await drained();
    for (let i = 0; i < 50 && (this.clock.next ?? Number.NaN) <= this.clock.now(); i++) {
      this.clock.advance(0);
      await drained();
    }
  }

  get #store() {
    const read = async <T>(query: () => T): Promise<T> => {
      const found = query();
      this.whileReading();
      await Promise.resolve();
      return found;
    };
    return {
      dueTimers: (now: number, limit: number) =>
        read(() => this.timers.filter(({ dueAt }) => dueAt <= now).slice(0, limit)),
      nextDue: (now: number) => read(() => this.timers.find(({ dueAt }) => dueAt > now)?.dueAt),
    };
  }
}

describe('timers', () => {
  it('that fall due between two readings of storage are not lost', async () => {
    const service = new Service();
    service.add('t1', 0);
    service.add('t2', 5);
    service.whileReading = () => {
      service.whileReading = () => {};
      service.clock.advance(10);
    };
    await service.timerService.tick();
    await service.advance(0);
    expect(service.fired).toEqual(['t1', 't2']);
  });

  it('fire once each, in order of time, however the clock moves', async () => {
    const service = new Service();
    for (const [id, inMs] of Object.entries({ a: 30, b: 10, c: 20, d: 10 })) service.add(id, inMs);
    await service.timerService.tick();
    await service.advance(9);
    expect(service.fired).toEqual([]);
    await service.advance(1);
    expect(service.fired).toEqual(['b', 'd']);
    await service.advance(100);
    expect(service.fired).toEqual(['b', 'd', 'c', 'a']);
    expect(service.clock.next).toBeUndefined();
  });

  it('wake up for one that is armed before the next', async () => {
    const service = new Service();
    service.add('late', 100);
    await service.timerService.tick();
    service.timerService.arm(service.add('soon', 10));
    await service.advance(10);
    expect(service.fired).toEqual(['soon']);
    await service.advance(90);
    expect(service.fired).toEqual(['soon', 'late']);
  });

  it('wait again where a wake-up comes too early, as after the clock was set back', async () => {
    const service = new Service();
    service.add('t', 100);
    await service.timerService.tick();
    service.clock.advance(-1_000);
    await service.timerService.tick();
    await service.advance(1_099);
    expect(service.fired).toEqual([]);
    await service.advance(1);
    expect(service.fired).toEqual(['t']);
  });

  it('fire all, also where more are due than are read at a time', async () => {
    const service = new Service();
    for (let i = 0; i < 1_000; i++) service.add(`t${i}`, i % 3);
    await service.timerService.tick();
    await service.advance(3);
    expect(new Set(service.fired).size).toBe(1_000);
    expect(service.fired).toHaveLength(1_000);
  });

  it('of runs that are not served are left alone, however many, and do not stand in the way', async () => {
    const service = new Service();
    service.unserved.add('other');
    for (let i = 0; i < 500; i++) service.add(`other${i}`, 1, 'other');
    service.add('own', 2);
    await service.timerService.tick();
    await service.advance(10);
    expect(service.fired).toEqual(['own']);
    expect(service.timers).toHaveLength(500);
  });
});

function dueAt(kernel: Kernel, run: string): number {
  const [timer] = kernel.rows(run).timers.values();
  return timer?.dueAt ?? Number.NaN;
}

describe('the timers of runs', () => {
  const retry = { maxAttempts: 3, backoff: 'fixed', delayMs: 1_000 };

  async function waiting(...ids: string[]): Promise<Kernel> {
    const kernel = new Kernel();
    for (const id of ids) {
      await kernel.start(plan([action('a', { retry })]), { id });
      await kernel.settle();
      await kernel.fail('a', new Error('no'), id);
    }
    return kernel;
  }

  it.each([
    ['takeUp', 0],
    ['resume', 0],
    ['takeUp', 5_000],
    ['resume', 5_000],
  ] as const)(
    'S108 fire after %s in a process that did not recover, %i ms later, and no others',
    async (how, stoppedMs) => {
      const kernel = await waiting('r1', 'r2');
      kernel.clock.advance(stoppedMs);
      await kernel.restart({ recover: false });
      await kernel.supervisor[how]('r1');
      for (let second = 0; second < 3; second++) await kernel.advance(1_000);
      expect(kernel.attempt('a', 'r1').attempt).toBe(2);
      expect(kernel.working('r2')).toEqual([]);
      expect(kernel.rows('r2').timers.size).toBe(1);
      expect(kernel.log('r1', /^timer.fired/)).toHaveLength(1);
      expect(kernel.log('r2', /^(timer.fired|run.recovered)/)).toEqual([]);
      await kernel.supervisor.recover();
      await kernel.settle();
      expect(kernel.attempt('a', 'r2').attempt).toBe(2);
      await kernel.fail('a', new Error('no'), 'r1');
      await kernel.advance(1_000);
      expect(kernel.attempt('a', 'r1').attempt).toBe(3);
    },
  );

  it('S108 fire after resume beside hundreds of due timers of runs that are not served', async () => {
    const ids = Array.from({ length: 250 }, (_, i) => `r${i}`);
    const kernel = await waiting(...ids);
    const byTime = ids.sort((a, b) => dueAt(kernel, a) - dueAt(kernel, b));
    const last = byTime.at(-1) ?? '';
    kernel.clock.advance(5_000);
    await kernel.restart({ recover: false });
    await kernel.supervisor.resume(last);
    for (let second = 0; second < 3; second++) await kernel.advance(1_000);
    expect(kernel.working(last)).toEqual(['a']);
    expect(byTime.slice(0, -1).flatMap((id) => kernel.working(id))).toEqual([]);
  });

  it('S108 wait again where the clock was set back while they were delivered', async () => {
    const kernel = await waiting('r1');
    const [timer] = kernel.rows().timers.values();
    const waitMs = (timer?.dueAt ?? 0) - kernel.clock.now();
    kernel.clock.advance(waitMs);
    // Between the reading of what is due and the turn.
    kernel.clock.advance(-300);
    await kernel.settle();
    expect(kernel.working()).toEqual([]);
    expect(kernel.log('r1', /^timer.fired/)).toEqual([]);
    await kernel.advance(299);
    expect(kernel.working()).toEqual([]);
    await kernel.advance(1);
    expect(kernel.attempt('a').attempt).toBe(2);
    expect(kernel.log('r1', /^timer.fired/)).toHaveLength(1);
  });

  it('S108 S109 wait as long as the seed says, from three quarters of the delay to all of it', async () => {
    const delays = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const kernel = new Kernel({ seed });
      await kernel.start(plan([action('a', { retry })]));
      await kernel.settle();
      const failedAt = kernel.clock.now();
      await kernel.fail('a');
      const [armed] = kernel.details('timer.armed') as { delayMs: number; dueAt: number }[];
      expect(armed).toEqual({ kind: 'retry', delayMs: armed?.delayMs, dueAt: armed?.dueAt });
      expect(armed?.dueAt).toBe(failedAt + (armed?.delayMs ?? 0));
      expect(armed?.delayMs).toBeGreaterThanOrEqual(750);
      expect(armed?.delayMs).toBeLessThanOrEqual(1_000);
      expect([...kernel.rows().timers.values()]).toMatchObject([{ dueAt: armed?.dueAt }]);
      delays.add(armed?.delayMs ?? 0);
    }
    expect(delays.size).toBeGreaterThan(20);
    expect(Math.min(...delays)).toBeLessThan(800);
    expect(Math.max(...delays)).toBeGreaterThan(950);
  });

  it('S109 are no events where a retry does not wait', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { retry: { maxAttempts: 2 } })]));
    await kernel.settle();
    await kernel.fail('a');
    expect(kernel.attempt('a').attempt).toBe(2);
    expect(kernel.log('r1', /^timer/)).toEqual([]);
  });
});
