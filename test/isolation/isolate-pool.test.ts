/** The pool by itself, with isolates that only remember what was done to them. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Isolate, IsolateEvents } from '../../src/isolation/isolate.js';
import { IsolatePool, type PoolLimits } from '../../src/isolation/isolate-pool.js';

class FakeIsolate implements Isolate {
  readonly acts: string[] = [];
  readonly events: IsolateEvents;

  constructor(events: IsolateEvents) {
    this.events = events;
  }

  post() {}
  hold() {
    this.acts.push('hold');
  }
  letGo() {
    this.acts.push('letGo');
  }
  kill() {}
  retire() {
    this.acts.push('retire');
  }
  exit() {
    this.events.ended({ code: 'handler-exited', message: 'gone' });
  }
}

class FakeCall {
  isolate: FakeIsolate | undefined;
  done = () => {};
  refused: Error | undefined;
  hasEnded = false;

  begin(isolate: Isolate, done: () => void) {
    this.isolate = isolate as FakeIsolate;
    this.done = done;
  }
  message() {}
  ended() {
    this.hasEnded = true;
  }
  refuse(error: Error) {
    this.refused = error;
  }
}

function poolOf(limits: Partial<PoolLimits>) {
  const started: FakeIsolate[] = [];
  const pool = new IsolatePool(
    (events) => {
      const isolate = new FakeIsolate(events);
      started.push(isolate);
      return isolate;
    },
    { concurrency: 1, maxIdle: 1, idleMs: 1_000, ...limits },
  );
  const run = () => {
    const call = new FakeCall();
    pool.run(call);
    return call;
  };
  return { pool, started, run };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a pool of isolates', () => {
  it('S240 has as many at work as it may; further calls wait in their order', () => {
    const { run, started } = poolOf({ concurrency: 2 });
    const calls = [run(), run(), run(), run()];
    expect(calls.map(({ isolate }) => isolate !== undefined)).toEqual([true, true, false, false]);
    calls[1]?.done();
    expect(calls[2]?.isolate).toBe(calls[1]?.isolate);
    expect(calls[3]?.isolate).toBeUndefined();
    calls[0]?.done();
    expect(calls[3]?.isolate).toBe(calls[0]?.isolate);
    expect(started).toHaveLength(2);
  });

  it('S240 refuses as overloaded, to be tried again, when 10,000 calls wait', () => {
    const { run, pool } = poolOf({});
    const working = run();
    const waiting = Array.from({ length: 10_000 }, run);
    expect(waiting.every(({ refused }) => refused === undefined)).toBe(true);
    expect(run().refused).toMatchObject({ code: 'overloaded', retryable: true });
    const [first, second] = waiting as [FakeCall, FakeCall];
    expect(pool.withdraw(first)).toBe(true);
    expect(run().refused).toBeUndefined();
    working.done();
    expect(first.isolate).toBeUndefined();
    expect(second.isolate).toBe(working.isolate);
    expect(pool.withdraw(second)).toBe(false);
  });

  it('S240 keeps an idle isolate for its time, and holds the program only while it works', () => {
    const { run, started } = poolOf({});
    run().done();
    vi.advanceTimersByTime(999);
    run().done();
    vi.advanceTimersByTime(999);
    expect(started.map(({ acts }) => acts)).toEqual([['hold', 'letGo', 'hold', 'letGo']]);
    vi.advanceTimersByTime(1);
    expect(started[0]?.acts.at(-1)).toBe('retire');
    run();
    expect(started).toHaveLength(2);
  });

  it('S240 keeps no more idle isolates than it may', () => {
    const { run, started } = poolOf({ concurrency: 3, maxIdle: 1 });
    for (const call of [run(), run(), run()]) call.done();
    expect(started.map(({ acts }) => acts.includes('retire'))).toEqual([false, true, true]);
  });

  it('S240 never reuses an isolate that ended, and lets the next call begin when it is gone', () => {
    const { run, started } = poolOf({});
    const [first, second] = [run(), run()];
    started[0]?.exit();
    expect(first.hasEnded).toBe(true);
    expect(second.isolate).toBe(started[1]);
    second.done();
    started[1]?.exit();
    expect(second.hasEnded).toBe(false);
    expect(run().isolate).toBe(started[2]);
  });

  it('S240 ends idle isolates when it is closed, and keeps none after', () => {
    const { run, pool, started } = poolOf({ concurrency: 2, maxIdle: 2 });
    const working = run();
    run().done();
    pool.close();
    expect(started.map(({ acts }) => acts.includes('retire'))).toEqual([false, true]);
    working.done();
    expect(working.isolate?.acts.at(-1)).toBe('retire');
    expect(run().isolate).toBe(started[2]);
  });

  it('S240 tells a call when no isolate could start, and takes the next', () => {
    let tries = 0;
    const pool = new IsolatePool(
      (events) => {
        if (++tries === 1) throw new Error('no memory for a thread');
        return new FakeIsolate(events);
      },
      { concurrency: 1, maxIdle: 1, idleMs: 1_000 },
    );
    const [first, second] = [new FakeCall(), new FakeCall()];
    pool.run(first);
    pool.run(second);
    expect(first.refused).toMatchObject({ code: 'handler-exited', retryable: true });
    expect(second.isolate).toBeDefined();
  });
});
