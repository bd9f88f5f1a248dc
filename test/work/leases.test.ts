import { describe, expect, it } from 'vitest';
import { inputsOnRecord } from '../support/given.js';
import { chain, edge, plan } from '../support/plans.js';
import { far, LEASE_MS, Outside } from './support/outside.js';

const one = plan([far('a')]);

async function started(version = one, options = {}): Promise<Outside> {
  const kernel = new Outside();
  await kernel.start(version, options);
  await kernel.settle();
  return kernel;
}

describe('work that is done outside', () => {
  it('S178 waits, ready and without a slot, until a worker claims it', async () => {
    const kernel = await started();
    expect(kernel.summary().nodes).toEqual({ a: 'ready' });
    expect(kernel.status()).toBe('running');
    expect(kernel.supervisor.stats().admission.used).toBe(0);
    expect(kernel.work.offers()).toEqual([{ handler: 'far', capability: 'far', waiting: 1 }]);
    const claimed = await kernel.claimOne();
    expect(kernel.summary().nodes).toEqual({ a: 'running' });
    expect(kernel.supervisor.stats().admission.used).toBe(1);
    expect(claimed).toMatchObject({ run: 'r1', node: 'a', attempt: 1, key: 'r1/a/1/1' });
    await kernel.complete(claimed, { done: true });
    expect(kernel.status()).toBe('completed');
    expect(kernel.summary().outputs).toEqual({ a: { done: true } });
    expect(kernel.supervisor.stats().admission.used).toBe(0);
  });

  it('S178 S228 a run that only waits for workers, or for what they do, takes no memory', async () => {
    const kernel = await started();
    expect(kernel.supervisor.stats().residentRuns).toBe(0);
    const claimed = await kernel.claimOne();
    expect(kernel.supervisor.stats().residentRuns).toBe(0);
    await kernel.complete(claimed);
    expect(kernel.status()).toBe('completed');
  });

  it('S178 an expired lease is closed as interrupted, and another worker gets the next attempt', async () => {
    const kernel = await started();
    const lost = await kernel.claimOne('w1');
    await kernel.advance(LEASE_MS - 1);
    expect(await kernel.claim('w2')).toEqual([]);
    await kernel.advance(1);
    const next = await kernel.claimOne('w2');
    expect(next).toMatchObject({ attempt: 2, idempotencyKey: lost.idempotencyKey });
    expect(kernel.details('attempt.interrupted')).toMatchObject([
      { code: 'lease-expired', class: 'lease' },
    ]);
    expect(await kernel.refusal(kernel.complete(lost, 'old'))).toBe('lease-lost');
    expect(kernel.details('attempt.result-refused')).toEqual([{ code: 'lease-lost' }]);
    await kernel.complete(next, 'new');
    expect(kernel.summary().outputs).toEqual({ a: 'new' });
  });

  it('S178 a heartbeat extends the lease by all of its length', async () => {
    const kernel = await started();
    const claimed = await kernel.claimOne();
    for (let beat = 0; beat < 5; beat++) {
      await kernel.advance(LEASE_MS - 1);
      expect(await kernel.heartbeat(claimed)).toMatchObject({ isCancelled: false });
    }
    await kernel.complete(claimed);
    expect(kernel.status()).toBe('completed');
    expect(kernel.log('r1', /interrupted/)).toEqual([]);
  });

  it('S237 the payload of a heartbeat reaches the next attempt, at another worker', async () => {
    const kernel = await started();
    const claimed = await kernel.claimOne('w1');
    expect(claimed.lastHeartbeat).toBeUndefined();
    await kernel.heartbeat(claimed, { page: 7 });
    await kernel.heartbeat(claimed);
    await kernel.advance(LEASE_MS);
    expect((await kernel.claimOne('w2')).lastHeartbeat).toEqual({ page: 7 });
  });

  it('S237 the payload of a heartbeat survives a restart between the attempts', async () => {
    const kernel = await started();
    await kernel.heartbeat(await kernel.claimOne('w1'), { page: 7 });
    await kernel.restart();
    await kernel.advance(LEASE_MS);
    expect((await kernel.claimOne('w2')).lastHeartbeat).toEqual({ page: 7 });
  });

  it('S104 S178 a worker that is lost time and again stops at the limit of interruptions', async () => {
    const kernel = await started(plan([far('a', { retry: { maxInterruptions: 2 } })]));
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(await kernel.claimOne()).toMatchObject({ attempt });
      await kernel.advance(LEASE_MS);
    }
    expect(kernel.status()).toBe('failed');
    expect(JSON.parse(kernel.rows().nodeRuns.get('a')?.reasonJson ?? '')).toMatchObject({
      class: 'lease',
    });
  });

  it('S178 an attempt that is given back goes to another worker and uses up nothing', async () => {
    const kernel = await started(plan([far('a', { retry: { maxInterruptions: 0 } })]));
    for (let attempt = 1; attempt <= 4; attempt++) {
      const claimed = await kernel.claimOne();
      expect(claimed).toMatchObject({ attempt, isLastTry: true });
      await kernel.release(claimed);
    }
    await kernel.complete(await kernel.claimOne());
    expect(kernel.status()).toBe('completed');
  });

  it('S105 a failure that a worker reports is tried again as the node allows, and has its class', async () => {
    const kernel = await started(plan([far('a', { retry: { maxAttempts: 2 } })]));
    const first = await kernel.claimOne();
    await kernel.work.fail(first.token, { message: 'no', class: 'network' });
    await kernel.settle();
    const second = await kernel.claimOne();
    expect(second).toMatchObject({ attempt: 2, isLastTry: true });
    await kernel.work.fail(second.token, { message: 'no', code: 'down', class: 'network' });
    await kernel.settle();
    expect(kernel.status()).toBe('failed');
    expect(kernel.details('attempt.failed')).toMatchObject([
      { class: 'network', code: 'handler-failed' },
      { class: 'network', code: 'down' },
    ]);
  });

  it('S174 S51 the same result twice gets the same answer, also after a restart; another one is refused', async () => {
    const kernel = await started(plan([far('a'), far('b')], chain('a', 'b')));
    const claimed = await kernel.claimOne();
    const [first, again] = await Promise.all([
      kernel.work.complete(claimed.token, { n: 1 }),
      kernel.work.complete(claimed.token, { n: 1 }),
    ]);
    expect(again).toEqual(first);
    await kernel.settle();
    expect(kernel.log('r1', /refused|completed a/)).toEqual(['node.completed a#1']);
    await kernel.restart();
    expect(await kernel.complete(claimed, { n: 1 })).toEqual(first);
    expect(kernel.log('r1', /refused/)).toEqual([]);
    expect(await kernel.refusal(kernel.complete(claimed, { n: 2 }))).toBe('lease-lost');
    expect(kernel.log('r1', /refused/)).toEqual(['attempt.result-refused a#1']);
    await kernel.complete(await kernel.claimOne());
    expect(kernel.status()).toBe('completed');
    expect(await kernel.complete(claimed, { n: 1 })).toEqual(first);
    expect(await kernel.refusal(kernel.complete(claimed, { n: 2 }))).toBe('lease-lost');
  });

  it('S50 what is said of an attempt is refused by what is wrong with it, and changes nothing', async () => {
    const kernel = await started(plan([far('a'), far('b')], chain('a', 'b')));
    const claimed = await kernel.claimOne();
    const before = kernel.rows().seq;
    const naming = (...parts: readonly unknown[]) =>
      Buffer.from(JSON.stringify(parts)).toString('base64url');
    const calls = {
      'run-unknown': naming('r2', 'a', 1, 1, 'x'),
      'node-unknown': naming('r1', 'c', 1, 1, 'x'),
      'argument-invalid': 'nonsense',
    };
    for (const [code, token] of Object.entries(calls)) {
      expect(await kernel.refusal(kernel.work.complete(token, 1))).toBe(code);
    }
    await kernel.settle();
    expect(kernel.rows().seq).toBe(before);
    const forged = naming('r1', 'a', 1, 1, 'another lease');
    expect(await kernel.refusal(kernel.work.complete(forged, 1))).toBe('lease-lost');
    expect(await kernel.refusal(kernel.work.heartbeat(naming('r1', 'b', 1, 1, 'x')))).toBe(
      'lease-lost',
    );
    await kernel.complete(claimed, 'right');
    expect(kernel.summary().outputs).toEqual({ a: 'right' });
  });

  it('S178 what comes late for an item is recorded, also where its map is over', async () => {
    const items = plan(
      [
        { kind: 'map', id: 'm', items: 'inputs.items', handler: 'far' },
        { kind: 'signal', id: 's' },
      ],
      chain('m', 's'),
    );
    const kernel = await started(items, { input: { items: [1] } });
    const lost = await kernel.claimOne();
    await kernel.advance(LEASE_MS);
    await kernel.complete(await kernel.claimOne(), 'second');
    expect(await kernel.refusal(kernel.complete(lost, 'first'))).toBe('lease-lost');
    expect(kernel.log('r1', /refused/)).toEqual(['attempt.result-refused m[0]#1']);
    expect(kernel.summary().outputs).toEqual({ m: ['second'] });
  });

  it('S178 a late call is recorded once, however often it comes', async () => {
    const kernel = await started();
    const lost = await kernel.claimOne();
    await kernel.advance(LEASE_MS);
    for (let call = 0; call < 5; call++) {
      expect(await kernel.refusal(kernel.heartbeat(lost))).toBe('lease-lost');
    }
    expect(kernel.details('attempt.call-refused')).toEqual([
      { call: 'work.heartbeat', code: 'lease-lost' },
    ]);
  });

  it('S152 S178 a cancel reaches the worker by its heartbeat, and its result is of no use', async () => {
    const kernel = await started();
    const claimed = await kernel.claimOne();
    const waiting = kernel.work.heartbeat(claimed.token, { waitMs: 500 });
    await kernel.settle();
    await kernel.cancel();
    expect(await waiting).toMatchObject({ isCancelled: true });
    expect(await kernel.heartbeat(claimed)).toMatchObject({ isCancelled: true });
    await kernel.work.fail(claimed.token, { message: 'stopped' });
    await kernel.settle();
    expect(kernel.status()).toBe('cancelled');
    expect(await kernel.refusal(kernel.heartbeat(claimed))).toBe('run-ended');
  });

  it('S110 the time of an attempt begins with its claim, and its worker hears that it is over', async () => {
    const kernel = await started(plan([far('a', { timeoutMs: 600 })]));
    await kernel.advance(10_000);
    const claimed = await kernel.claimOne();
    expect(claimed.deadlineAt).toBe(kernel.clock.now() + 600);
    const refused = kernel.refusal(kernel.work.heartbeat(claimed.token, { waitMs: 900 }));
    await kernel.settle();
    await kernel.advance(600);
    expect(await refused).toBe('run-ended');
    expect(kernel.details('attempt.failed')).toMatchObject([{ class: 'timeout' }]);
  });

  it('S110 a node that asks for more signs of life than a lease does shortens what is told of it', async () => {
    const kernel = await started(plan([far('a', { heartbeatMs: 400 })]));
    const claimed = await kernel.claimOne();
    expect(claimed).toMatchObject({ leaseMs: 400, expiresAt: kernel.clock.now() + 400 });
    await kernel.advance(399);
    await kernel.heartbeat(claimed);
    await kernel.advance(400);
    expect(kernel.details('attempt.failed')).toMatchObject([{ class: 'heartbeat' }]);
  });

  it('S52 progress of a worker is recorded, and keeps its lease', async () => {
    const kernel = await started();
    const claimed = await kernel.claimOne();
    await kernel.advance(LEASE_MS - 1);
    await kernel.work.progress(claimed.token, { done: 1 });
    await kernel.advance(LEASE_MS - 1);
    await kernel.complete(claimed);
    expect(kernel.details('attempt.progressed')).toEqual([{ progress: { done: 1 } }]);
  });
});

describe('a process that stops', () => {
  it('S164 S178 leaves a lease as it was: the worker goes on and its result counts', async () => {
    const kernel = await started();
    const claimed = await kernel.claimOne();
    await kernel.advance(LEASE_MS - 1);
    await kernel.restart();
    // It had no chance to say that it is alive.
    await kernel.advance(LEASE_MS - 1);
    expect(await kernel.heartbeat(claimed)).toMatchObject({ isCancelled: false });
    await kernel.complete(claimed, 'done');
    expect(kernel.status()).toBe('completed');
    expect(kernel.log('r1', /interrupted/)).toEqual([]);
    expect(kernel.details('run.recovered')).toEqual([{ interrupted: 0 }]);
  });

  it('S178 takes a lease away whose worker does not come back', async () => {
    const kernel = await started();
    const lost = await kernel.claimOne();
    await kernel.restart();
    await kernel.advance(LEASE_MS);
    await kernel.complete(await kernel.claimOne('w2'), 'second');
    expect(await kernel.refusal(kernel.complete(lost, 'first'))).toBe('run-ended');
    expect(kernel.summary().outputs).toEqual({ a: 'second' });
  });

  it('S167 offers what waited for a worker again', async () => {
    const kernel = await started();
    await kernel.restart();
    expect(kernel.work.offers()).toEqual([{ handler: 'far', capability: 'far', waiting: 1 }]);
    await kernel.complete(await kernel.claimOne());
    expect(kernel.status()).toBe('completed');
  });

  it('S164 a claim whose answer was lost ends with its lease', async () => {
    const kernel = await started();
    kernel.dieAfter(1, true);
    void kernel.work.claim({ worker: 'w1', capabilities: ['far'] });
    await kernel.settle();
    await kernel.restart();
    expect(await kernel.claim('w2')).toEqual([]);
    await kernel.advance(LEASE_MS);
    expect(await kernel.claimOne('w2')).toMatchObject({ attempt: 2 });
  });
});

describe('who gets what', () => {
  it('S54 S178 runs of a higher priority go first, and within a run the order of the plan', async () => {
    const kernel = new Outside();
    const three = plan([far('a'), far('b'), far('c')]);
    await kernel.start(three, { id: 'low', settings: { priority: 2 } });
    await kernel.start(three, { id: 'high', settings: { priority: 8 } });
    await kernel.settle();
    const order = (await kernel.claim('w1', 6)).map(({ run, node }) => `${run}/${node}`);
    expect(order).toEqual(['high/a', 'high/b', 'high/c', 'low/a', 'low/b', 'low/c']);
  });

  it('S53 the limits of a run, of the process and of keys hold for workers outside', async () => {
    const five = plan(['a', 'b', 'c', 'd', 'e'].map((id) => far(id)));
    const byRun = await started(five, { concurrency: 2 });
    expect(await byRun.claim('w1', 5)).toHaveLength(2);
    const byProcess = new Outside({ concurrency: 3 });
    await byProcess.start(five);
    await byProcess.settle();
    expect(await byProcess.claim('w1', 5)).toHaveLength(3);
    const keyed = ['a', 'b', 'c'].map((id) => far(id, { concurrencyKey: { key: '"k"' } }));
    const byKey = await started(plan([...keyed, far('d')]));
    const claimed = await byKey.claim('w1', 5);
    expect(claimed.map(({ node }) => node)).toEqual(['a', 'd']);
    const [first] = claimed;
    if (first) await byKey.complete(first);
    expect((await byKey.claim('w1', 5)).map(({ node }) => node)).toEqual(['b']);
  });

  it('S178 a worker that waits gets work as soon as there is some, and the one that waited longest first', async () => {
    const kernel = new Outside();
    const given: string[] = [];
    const wait = (worker: string) =>
      kernel.work
        .claim({ worker, capabilities: ['far'], waitMs: 60_000 })
        .then(([claimed]) => given.push(`${worker}: ${claimed?.node}`));
    void wait('w1');
    void wait('w2');
    void wait('w3');
    await kernel.start(plan([far('a'), far('b')], chain('a', 'b')));
    await kernel.settle();
    expect(given).toEqual(['w1: a']);
    await kernel.start(plan([far('x'), far('y')]), { id: 'r2' });
    await kernel.settle();
    expect(given).toEqual(['w1: a', 'w2: x', 'w3: y']);
  });

  it('S178 a worker that waited in vain is answered when its time is over', async () => {
    const kernel = await started(plan([far('a', { concurrencyKey: { key: '"k"' } })]));
    await kernel.claimOne();
    let answer: unknown;
    void kernel.work
      .claim({ worker: 'w2', capabilities: ['far'], waitMs: 500 })
      .then((claimed) => (answer = claimed));
    await kernel.advance(499);
    expect(answer).toBeUndefined();
    await kernel.advance(1);
    expect(answer).toEqual([]);
  });

  it('S178 what a worker could not have is his when a slot, or a place at a key, is free', async () => {
    const kernel = new Outside();
    const keyed = plan([far('a', { concurrencyKey: { key: '"k"' } })]);
    await kernel.start(keyed);
    await kernel.start(keyed, { id: 'r2' });
    await kernel.settle();
    const first = await kernel.claimOne('w1');
    const waiting = kernel.work.claim({ worker: 'w2', capabilities: ['far'], waitMs: 60_000 });
    await kernel.settle();
    await kernel.complete(first);
    expect(await waiting).toHaveLength(1);
  });

  it('S178 a worker that went away while it waited holds nothing', async () => {
    const kernel = new Outside();
    const gone = new AbortController();
    const { signal } = gone;
    const waiting = kernel.work.claim({
      worker: 'w1',
      capabilities: ['far'],
      waitMs: 9_000,
      signal,
    });
    await kernel.start(one);
    gone.abort();
    await kernel.settle();
    expect(await waiting).toEqual([]);
    expect(await kernel.claim('w2')).toHaveLength(1);
  });

  it('S156 nothing of a paused run is claimed, and all of it once the run goes on', async () => {
    const kernel = await started();
    await kernel.send({ type: 'run.pause' });
    expect(await kernel.claim()).toEqual([]);
    const waiting = kernel.work.claim({ worker: 'w1', capabilities: ['far'], waitMs: 9_000 });
    await kernel.send({ type: 'run.resume' });
    await kernel.settle();
    expect(await waiting).toHaveLength(1);
  });

  it('S114 a fallback that is done outside waits for its worker too, over a restart', async () => {
    const kernel = await started(
      plan([far('a', { onFailure: 'fallback', fallback: { handler: 'far' } })]),
    );
    await kernel.work.fail((await kernel.claimOne()).token, { message: 'boom', retryable: false });
    await kernel.settle();
    expect(kernel.summary().nodes).toEqual({ a: 'ready' });
    expect(kernel.supervisor.stats().admission.used).toBe(0);
    await kernel.restart();
    const fallback = await kernel.claimOne('w2');
    expect(fallback).toMatchObject({ attempt: 2, input: { error: { message: 'boom' } } });
    await kernel.advance(LEASE_MS);
    const again = await kernel.claimOne('w3');
    expect(again).toMatchObject({ attempt: 3, input: { error: { message: 'boom' } } });
    await kernel.complete(again, 'instead');
    expect(kernel.summary().outputs).toEqual({ a: 'instead' });
  });

  it('S90 what each worker was given is on record, whatever the next one is given', async () => {
    const fallback = { onFailure: 'fallback', fallback: { handler: 'far' } };
    const kernel = await started(plan([far('a', fallback)]), { input: { v: 1 } });
    const claims = [await kernel.claimOne('w1')];
    const giveBack = async (v: number) => {
      await kernel.advance(LEASE_MS);
      const patched = {
        type: 'node.patch',
        node: 'a',
        input: { v },
        by: 'ann',
        reason: null,
      } as const;
      await kernel.send(patched);
      claims.push(await kernel.claimOne('w2'));
    };
    await giveBack(2);
    await kernel.work.fail(claims[1]?.token ?? '', { message: 'boom' });
    await kernel.settle();
    claims.push(await kernel.claimOne('w3'));
    await giveBack(3);
    await kernel.restart();
    expect(claims.map(({ input }) => input)).toMatchObject([
      { v: 1 },
      { v: 2 },
      { input: { v: 2 }, error: { message: 'boom' } },
      { input: { v: 3 }, error: { message: 'boom' } },
    ]);
    const onRecord = inputsOnRecord(kernel);
    expect(claims.map(({ key }) => onRecord.get(key)?.input)).toEqual(
      claims.map(({ input }) => input),
    );
  });

  it('S123 compensations are done outside as other work is', async () => {
    const kernel = await started(
      plan([far('a', { compensate: { handler: 'far' } }), far('b')], [edge('a', 'b')]),
    );
    await kernel.complete(await kernel.claimOne(), 'paid');
    await kernel.work.fail((await kernel.claimOne()).token, { message: 'no' });
    await kernel.settle();
    const undo = await kernel.claimOne();
    expect(undo).toMatchObject({ node: '~/a', input: { output: 'paid' } });
    await kernel.complete(undo);
    expect(kernel.status()).toBe('failed');
  });

  it('S99 what a worker gave is checked in the process, and its lease is over', async () => {
    const kernel = await started(plan([far('a', { checks: [{ name: 'c', handler: 'work' }] })]));
    const claimed = await kernel.claimOne();
    await kernel.complete(claimed, 'draft');
    expect(await kernel.refusal(kernel.heartbeat(claimed))).toBe('lease-lost');
    await kernel.advance(LEASE_MS * 3);
    expect(await kernel.complete(claimed, 'draft')).toMatchObject({ accepted: true });
    await kernel.finish('a', true);
    expect(kernel.status()).toBe('completed');
  });
});
