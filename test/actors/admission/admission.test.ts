import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Demand, Office } from './office.js';

const plain = (count: number, handler = 'plain'): Demand[] =>
  Array.from({ length: count }, () => ({ handler }));

/** Ends what is at work, one by one, until nothing is left; runs in the order in which they began. */
function order(office: Office): string[] {
  office.drain();
  return office.log;
}

describe('permits', () => {
  it('S53 are given to as many as the process may have at work, then in the order of asking', () => {
    const office = new Office({ concurrency: 1 });
    for (const run of ['r1', 'r2', 'r3']) office.start(run, plain(2));
    expect(order(office)).toEqual(['r1', 'r1', 'r2', 'r3', 'r2', 'r3']);
  });

  it('S223 are kept for the run that was offered one, until its turn is over', () => {
    const office = new Office({ concurrency: 1 });
    office.start('r1', plain(1));
    office.start('r2', plain(1));
    const [first] = office.work;
    if (first !== undefined) office.end(first);
    office.start('late', plain(1));
    expect(office.log).toEqual(['r1']);
    office.quiet();
    expect(office.log).toEqual(['r1', 'r2']);
  });

  it('S223 of an offer that comes to nothing go to the next', () => {
    const office = new Office({ concurrency: 1 });
    office.start('r1', plain(1));
    for (const run of ['r2', 'r3']) office.start(run, plain(1));
    const [first] = office.work;
    if (first !== undefined) office.end(first);
    const { admission } = office;
    const [offer] = office.offers.splice(0);
    expect(offer?.run).toBe('r2');
    admission.endOffer('r2', offer?.ticket ?? 0);
    admission.tick(office.now);
    expect(office.offers.map(({ run }) => run)).toEqual(['r3']);
  });

  it('S223 outlive the end of an older offer to the same run', () => {
    const office = new Office({ concurrency: 1 });
    office.start('r1', plain(1));
    office.start('r2', plain(2));
    for (const attempt of office.work) office.end(attempt);
    office.answer();
    for (const attempt of office.work) office.end(attempt);
    office.start('r3', plain(1));
    // The first turn of r2 is durable only now: what is kept for its second attempt stays.
    office.settle();
    office.quiet();
    expect(office.log).toEqual(['r1', 'r2', 'r2']);
  });

  it('S223 beyond the limit, of a rehydrated run, cost an offered run its slot and not its turn', () => {
    const office = new Office({ concurrency: 1 });
    const { admission } = office;
    office.start('r1', plain(1));
    office.start('r2', plain(1));
    for (const attempt of office.work) office.end(attempt);
    admission.adopt('other', [{ node: 'n', handler: 'plain' }], office.now);
    office.answer();
    office.settle();
    expect(office.log).toEqual(['r1']);
    admission.release('other', 'n', 'ok', office.now);
    admission.tick(office.now);
    office.quiet();
    expect(office.log).toEqual(['r1', 'r2']);
  });

  it('S223 of a rehydrated run are those that it says', () => {
    const office = new Office({ concurrency: 3, policies: { limited: { concurrency: 2 } } });
    const { admission } = office;
    const attempts = ['a', 'b', 'c'].map((node) => ({ node, handler: 'limited' }));
    admission.adopt('r', attempts, office.now);
    expect(admission.report().handlers[0]?.atWork).toBe(3);
    admission.adopt('r', [...attempts.slice(0, 1), { node: 'x', handler: 'plain' }], office.now);
    expect(admission.report()).toMatchObject({ used: 2, handlers: [{ atWork: 1 }] });
    admission.release('r', 'b', 'ok', office.now);
    expect(admission.used).toBe(2);
    const again = { run: 'r', node: 'a', handler: 'plain' };
    expect(() => admission.tryTake(again, office.now)).toThrow(/has a permit already/);
  });
});

describe('gates', () => {
  it('S223 hold back neither other handlers of a run nor other runs', () => {
    const office = new Office({ concurrency: 2, policies: { narrow: { concurrency: 1 } } });
    office.start('r1', [...plain(3, 'narrow'), ...plain(1)]);
    expect(office.work.map(({ handler }) => handler)).toEqual(['narrow', 'plain']);
    for (const attempt of office.work) if (attempt.handler === 'plain') office.end(attempt);
    office.start('r2', plain(1));
    expect(office.work.map(({ handler }) => handler)).toEqual(['narrow', 'plain']);
    expect(office.admission.report()).toMatchObject({ queue: 0, handlers: [{ waitingRuns: 1 }] });
    office.drain();
  });

  it('S223 say why they refuse, and when to ask again where they know', () => {
    const office = new Office({
      concurrency: 9,
      policies: {
        narrow: { concurrency: 1 },
        slow: { rateLimit: { limit: 2, perMs: 100 } },
        weak: { circuitBreaker: { failures: 1, cooldownMs: 70 } },
      },
    });
    office.start('r', [{ handler: 'narrow', key: 'k' }, ...plain(1, 'slow'), ...plain(1, 'weak')]);
    for (const attempt of office.work)
      if (attempt.handler === 'weak') office.end(attempt, 'failed');
    const ask = (handler: string, key?: string) =>
      office.admission.tryTake({ run: 's', node: handler, handler, key }, office.now);
    expect(ask('narrow')).toEqual({ granted: false, refused: 'handler' });
    expect(ask('plain', 'k')).toEqual({ granted: false, refused: 'key' });
    expect(ask('slow')).toEqual({ granted: false, refused: 'rate', retryAt: office.now + 50 });
    expect(ask('weak')).toEqual({ granted: false, refused: 'breaker', retryAt: office.now + 70 });
  });

  it('S223 let at most so many begin in any stretch of time', () => {
    const office = new Office({
      concurrency: 9,
      policies: { slow: { rateLimit: { limit: 4, perMs: 100, burst: 2 } } },
    });
    office.start('r', plain(6, 'slow'));
    const counts = [office.log.length];
    for (let i = 0; i < 5; i++) {
      office.advance(25);
      office.quiet();
      counts.push(office.log.length);
    }
    expect(counts).toEqual([2, 3, 4, 5, 6, 6]);
    office.drain();
  });

  it('S223 of a key hold for all handlers and runs together', () => {
    const office = new Office({ concurrency: 9 });
    const under = (handler: string, key: string) => ({ handler, key, keyLimit: 2 });
    office.start('r1', [under('a', 'k'), under('a', 'k')]);
    office.start('r2', [under('b', 'k'), under('b', 'other')]);
    office.start('r3', [under('c', 'k')]);
    expect(office.work.map(({ run, key }) => `${run} ${key}`)).toEqual([
      'r1 k',
      'r1 k',
      'r2 other',
    ]);
    expect(order(office).slice(3)).toEqual(['r2', 'r3']);
  });

  it('S223 first have those for which a more urgent run waits, as long as they have not begun', () => {
    const office = new Office({ concurrency: 2, policies: { narrow: { concurrency: 1 } } });
    office.start('first', plain(1, 'narrow'));
    office.start('busy', plain(1));
    office.start('low', plain(1, 'narrow'));
    office.start('middle', plain(1), { priority: 5 });
    const [first] = office.work;
    // Low is called, and has to wait for a slot behind middle.
    if (first !== undefined) office.end(first);
    office.start('high', plain(1, 'narrow'), { priority: 9 });
    expect(order(office)).toEqual(['first', 'busy', 'middle', 'high', 'low']);
  });

  it('S223 are passed by no newcomer while a run that was called has its turn before it', () => {
    const office = new Office({ concurrency: 5, policies: { narrow: { concurrency: 1 } } });
    office.start('first', plain(1, 'narrow'));
    office.start('low', plain(1, 'narrow'));
    for (const attempt of office.work) office.end(attempt);
    office.start('high', plain(1, 'narrow'), { priority: 9 });
    expect(office.work).toEqual([]);
    expect(order(office)).toEqual(['first', 'low', 'high']);
  });

  it('S223 call runs back where they shut before these could begin', () => {
    const both = { concurrency: 2, circuitBreaker: { failures: 1, cooldownMs: 100 } };
    const office = new Office({ concurrency: 3, policies: { both } });
    office.start('ab', plain(2, 'both'));
    office.start('busy', plain(1));
    for (const run of ['x', 'y']) office.start(run, plain(1, 'both'));
    for (const run of ['m', 'n']) office.start(run, plain(1), { priority: 5 });
    const [a, b] = office.work;
    if (a !== undefined) office.end(a);
    expect(office.admission.report().queue).toBe(2);
    if (b !== undefined) office.end(b, 'failed');
    const [report] = office.admission.report().handlers;
    expect(office.admission.report().queue).toBe(0);
    expect(report).toMatchObject({ breaker: 'open', waitingRuns: 2 });
    office.drain();
  });

  it('S223 let the next run go first where one uses its turn for something else', () => {
    const office = new Office({
      concurrency: 3,
      policies: { x: { concurrency: 1 }, y: { concurrency: 1 } },
    });
    office.start('first', [...plain(1, 'x'), ...plain(1, 'y')]);
    office.start('a', [...plain(1, 'x'), ...plain(1, 'y')]);
    office.start('b', plain(1, 'y'));
    office.start('busy', plain(1));
    const [x, y] = office.work;
    if (y !== undefined) office.end(y);
    office.start('m', plain(1), { priority: 9 });
    if (x !== undefined) office.end(x);
    // What was offered for y is used for x; y has been called for b by then.
    office.answer();
    expect(order(office)).toEqual(['first', 'first', 'busy', 'a', 'm', 'b', 'a']);
  });

  it('S223 that come in pairs are waited for one after the other, without a loss of time', () => {
    const office = new Office({ concurrency: 9, policies: { narrow: { concurrency: 1 } } });
    office.start('first', plain(1, 'narrow'));
    office.start('second', [{ handler: 'plain', key: 'k' }]);
    office.start('both', [{ handler: 'narrow', key: 'k' }]);
    office.start('later', [{ handler: 'plain', key: 'k' }]);
    expect(order(office)).toEqual(['first', 'second', 'both', 'later']);
  });

  it('S223 forget a run that has come to want something else', () => {
    const office = new Office({
      concurrency: 9,
      policies: { narrow: { concurrency: 1 }, other: { concurrency: 1 } },
    });
    const { admission, now } = office;
    office.start('first', [...plain(1, 'narrow'), ...plain(1, 'other')]);
    const ask = (handler: string) =>
      admission.tryTake({ run: 'r', node: handler, handler }, now).granted;
    const endTurn = () => admission.enqueue({ run: 'r', priority: 0, tenant: 't' }, now);
    const waiting = () => admission.report().handlers.map(({ waitingRuns }) => waitingRuns);
    expect(ask('narrow')).toBe(false);
    endTurn();
    expect(waiting()).toEqual([1, 0]);
    expect(ask('other')).toBe(false);
    endTurn();
    expect(waiting()).toEqual([0, 1]);
    // A turn that came to nothing.
    ask('narrow');
    admission.adopt('r', [], now);
    ask('other');
    endTurn();
    expect(waiting()).toEqual([0, 1]);
  });

  it('S223 keep no shorter time where the clock is set back', () => {
    const office = new Office({
      concurrency: 1,
      policies: { slow: { rateLimit: { limit: 1, perMs: 100 } } },
    });
    office.start('r', plain(2, 'slow'));
    for (const attempt of office.work) office.end(attempt);
    expect(office.admission.nextWake()).toBe(1_100);
    office.now = 400;
    office.admission.tick(office.now);
    expect(office.admission.nextWake()).toBe(500);
    office.admission.tick(499);
    expect(office.offers).toEqual([]);
    office.admission.tick(500);
    expect(office.offers).toHaveLength(1);
  });
});

describe('a circuit breaker', () => {
  const weak = { weak: { circuitBreaker: { failures: 2, cooldownMs: 100, maxCooldownMs: 300 } } };
  const atWork = (office: Office) => office.work.filter(({ handler }) => handler === 'weak');
  /** Lets attempts fail until the breaker lets no more begin. */
  const fail = (office: Office) => {
    for (let [first] = atWork(office); first !== undefined; [first] = atWork(office)) {
      office.end(first, 'failed');
      office.quiet();
    }
  };

  it('S122 opens after repeated failures, lets one probe through, and is reported', () => {
    const office = new Office({ concurrency: 9, policies: weak });
    office.start('r', plain(2, 'weak'));
    fail(office);
    office.demand('r', plain(3, 'weak'));
    const open = { handler: 'weak', atWork: 0, breaker: 'open', openUntil: 1_100, waitingRuns: 1 };
    expect(office.admission.report().handlers).toEqual([open]);
    expect(office.admission.nextWake()).toBe(1_100);
    office.advance(99);
    expect(office.work).toEqual([]);
    office.advance(1);
    office.quiet();
    expect(office.work).toHaveLength(1);
    for (const attempt of office.work) office.end(attempt, 'ok');
    office.quiet();
    expect(office.work).toHaveLength(2);
    expect(office.breakers).toEqual([
      'weak closed open',
      'weak open half-open',
      'weak half-open closed',
    ]);
  });

  it('S122 stays open twice as long each time its probe fails, up to a bound', () => {
    const office = new Office({ concurrency: 9, policies: weak });
    office.start('r', plain(9, 'weak'), { concurrency: 2 });
    fail(office);
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const waitMs = (office.admission.nextWake() ?? 0) - office.now;
      waits.push(waitMs);
      office.advance(waitMs);
      office.quiet();
      expect(office.work).toHaveLength(1);
      fail(office);
    }
    expect(waits).toEqual([100, 200, 300, 300]);
  });

  it('S122 heeds none but its probe while it is not closed', () => {
    const office = new Office({ concurrency: 9, policies: weak });
    office.start('r', plain(5, 'weak'), { concurrency: 4 });
    const [a, b, c, d] = office.work;
    for (const attempt of [a, b]) if (attempt !== undefined) office.end(attempt, 'failed');
    if (c !== undefined) office.end(c, 'ok');
    office.advance(100);
    office.quiet();
    expect(office.work).toHaveLength(2);
    if (d !== undefined) office.end(d, 'failed');
    expect(office.admission.report().handlers[0]?.breaker).toBe('half-open');
  });

  it('S122 sends another probe after one that says nothing, or never began', () => {
    const office = new Office({ concurrency: 9, policies: weak });
    office.start('r', plain(5, 'weak'), { concurrency: 2 });
    fail(office);
    office.advance(100);
    office.quiet();
    for (const attempt of office.work) office.end(attempt, 'other');
    office.quiet();
    expect(office.log).toHaveLength(5);
    office.void('r');
    office.quiet();
    expect(office.work).toHaveLength(1);
    expect(office.admission.report().handlers[0]?.breaker).toBe('half-open');
    office.drain();
  });

  it('S122 keeps no other handler waiting', () => {
    const office = new Office({ concurrency: 1, policies: weak });
    office.start('r', plain(2, 'weak'));
    fail(office);
    office.start('s', [...plain(1, 'weak'), ...plain(1)]);
    expect(office.work.map(({ handler }) => handler)).toEqual(['plain']);
  });
});

describe('the order', () => {
  it('S223 is by priority, then by tenant in turns, then by time', () => {
    const office = new Office({ concurrency: 1 });
    office.start('first', plain(1), { tenant: 'x' });
    for (const run of ['a1', 'a2', 'a3']) office.start(run, plain(1), { tenant: 'a' });
    for (const run of ['b1', 'b2']) office.start(run, plain(1), { tenant: 'b' });
    for (const run of ['h1', 'h2']) office.start(run, plain(1), { tenant: 'c', priority: 3 });
    const expected = ['first', 'h1', 'h2', 'a1', 'b1', 'a2', 'b2', 'a3'];
    expect(order(office)).toEqual(expected);
  });

  it('S223 holds among the runs that wait for a gate, too', () => {
    const office = new Office({ concurrency: 9, policies: { narrow: { concurrency: 1 } } });
    office.start('first', plain(1, 'narrow'), { tenant: 'x' });
    for (const run of ['a1', 'a2']) office.start(run, plain(1, 'narrow'), { tenant: 'a' });
    office.start('b1', plain(1, 'narrow'), { tenant: 'b' });
    office.start('h1', plain(1, 'narrow'), { tenant: 'c', priority: 3 });
    expect(order(office)).toEqual(['first', 'h1', 'a1', 'b1', 'a2']);
  });

  it.each([
    [199, ['first', 'new', 'old']],
    [200, ['first', 'old', 'new']],
  ])('S223 counts a run one level higher for each aging time in full: %i', (ms, expected) => {
    const office = new Office({ concurrency: 1, agingMs: 100 });
    office.start('first', plain(1));
    office.start('old', plain(1), { priority: 1 });
    office.advance(150);
    office.start('new', plain(1), { priority: 3 });
    office.advance(ms - 150);
    expect(order(office)).toEqual(expected);
  });

  it('S223 lets the least urgent run begin while more urgent ones never cease to come', () => {
    const office = new Office({ concurrency: 1, agingMs: 100 });
    office.start('first', plain(1));
    office.start('low', plain(1), { tenant: 'poor' });
    for (let i = 0; i < 100 && !office.log.includes('low'); i++) {
      office.start(`high${i}`, plain(1), { tenant: `rich${i % 3}`, priority: 9 });
      office.start(`more${i}`, plain(1), { tenant: `rich${i % 3}`, priority: 9 });
      office.advance(50);
      for (const attempt of office.work) office.end(attempt);
      office.quiet();
    }
    // Nine levels take 900 ms; then each of three tenants may come once before it.
    expect(office.log.indexOf('low')).toBeGreaterThanOrEqual(18);
    expect(office.log.indexOf('low')).toBeLessThanOrEqual(23);
  });

  it('S223 gives each tenant its turn, however many runs another one has', () => {
    const counts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 3 }), (runs, concurrency) => {
        const office = new Office({ concurrency });
        office.start('', plain(concurrency), { tenant: 'first' });
        runs.forEach((count, tenant) => {
          for (let i = 0; i < count; i++)
            office.start(`${tenant}.${i}`, plain(1), { tenant: `${tenant}` });
        });
        const begun = order(office).slice(concurrency);
        // Turn i of a tenant has its i-th run, and comes before turn i + 1 of any other.
        const turns = begun.map((run) => Number(run.split('.')[1]));
        expect(turns).toEqual([...turns].sort((a, b) => a - b));
        expect(begun).toHaveLength(runs.reduce((sum, count) => sum + count, 0));
      }),
    );
  });

  it('S223 gives every run of one priority its turn within as many offers as runs wait', () => {
    const ids = Array.from({ length: 12 }, (_, i) => i);
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }), (tenants) => {
        const office = new Office({ concurrency: 1, agingMs: 1e12 });
        for (const id of ids) office.start(`r${id}`, plain(8), { tenant: `t${tenants[id]}` });
        const last = new Map<string, number>();
        for (let i = 0; i < 60; i++) {
          for (const attempt of office.work) office.end(attempt);
          office.quiet();
          const run = office.log.at(-1) ?? '';
          // A tenant has its turn after all others; its run after all runs of the tenant.
          const mates = ids.filter((id) => tenants[id] === tenants[Number(run.slice(1))]).length;
          const bound = mates * new Set(tenants).size;
          const since = last.get(run);
          if (since !== undefined) expect(i - since).toBeLessThanOrEqual(bound);
          last.set(run, i);
        }
      }),
    );
  });
});

describe('whatever happens', () => {
  const policies = {
    narrow: { concurrency: 2 },
    slow: { rateLimit: { limit: 4, perMs: 100 } },
    bursty: { concurrency: 3, rateLimit: { limit: 2, perMs: 100, burst: 3 } },
    weak: { circuitBreaker: { failures: 2, cooldownMs: 60, maxCooldownMs: 200 } },
    all: {
      concurrency: 2,
      rateLimit: { limit: 5, perMs: 100, burst: 2 },
      circuitBreaker: { failures: 1, cooldownMs: 40 },
    },
  };
  const handler = fc.constantFrom('plain', 'narrow', 'slow', 'bursty', 'weak', 'all');
  const key = fc.constantFrom({}, {}, { key: 'k', keyLimit: 2 }, { key: 'l' });
  const demand = fc.tuple(handler, key).map(([name, under]) => ({ handler: name, ...under }));
  const run = fc.integer({ min: 0, max: 4 });
  const outcome = fc.constantFrom('ok' as const, 'failed' as const, 'other' as const);
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ demand: run, of: fc.array(demand, { minLength: 1, maxLength: 6 }) }),
    },
    { weight: 5, arbitrary: fc.record({ end: fc.nat(4), outcome }) },
    { weight: 4, arbitrary: fc.record({ answer: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ settle: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ lose: fc.nat(20) }) },
    { weight: 3, arbitrary: fc.record({ advance: fc.integer({ min: 1, max: 60 }) }) },
    { weight: 1, arbitrary: fc.record({ turn: run }) },
    { weight: 1, arbitrary: fc.record({ void: run }) },
    { weight: 1, arbitrary: fc.record({ pause: run, isPaused: fc.boolean() }) },
    { weight: 2, arbitrary: fc.constant('quiet' as const) },
  );
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  function take(office: Office, current: Step): void {
    if (current === 'quiet') office.quiet();
    else if ('demand' in current) office.demand(`r${current.demand}`, current.of);
    else if ('end' in current) {
      const attempt = office.work[current.end];
      if (attempt !== undefined) office.end(attempt, current.outcome);
    } else if ('answer' in current)
      office.answer(current.answer % Math.max(1, office.offers.length));
    else if ('settle' in current) office.settle(current.settle);
    else if ('lose' in current) office.lose(current.lose);
    else if ('advance' in current) office.advance(current.advance);
    else if ('turn' in current) office.turn(`r${current.turn}`);
    else if ('void' in current) office.void(`r${current.void}`);
    else office.pause(`r${current.pause}`, current.isPaused);
    office.expectNothingForgotten();
  }

  const numRuns = Number(process.env.RUNCHART_ADMISSION_RUNS ?? 500);

  it('S53 S223 S122 no limit is exceeded, nobody is forgotten, and all runs come to their end', () => {
    const steps = fc.array(step, { maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (all, concurrency) => {
        const office = new Office({ concurrency, policies, agingMs: 90 });
        for (let i = 0; i < 5; i++) {
          office.start(`r${i}`, [], { tenant: `t${i % 2}`, priority: i % 3, concurrency: 2 + i });
        }
        let demands = 0;
        for (const current of all) {
          take(office, current);
          if (typeof current === 'object' && 'demand' in current) demands += current.of.length;
        }
        office.drain();
        // Each turn has a cause: a step, a demand that begins or ends, or a gate that opens for a run.
        expect(office.turns).toBeLessThan(50 + 2 * (demands + all.length));
      }),
      { numRuns },
    );
  });
});
