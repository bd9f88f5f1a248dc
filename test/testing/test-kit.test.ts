import { describe, expect, it } from 'vitest';
import type { HandlerContext } from '../../src/actors/handlers.js';
import { plan } from '../../src/plan/builder.js';
import { SimulationError, type TestKitOptions, testKit } from '../../src/testing/index.js';

const HOUR_MS = 3_600_000;

const publish = plan<{ url: string }>('Publish a page')
  .action('fetch', {
    handler: 'fetch',
    retry: { maxAttempts: 3, backoff: 'fixed', delayMs: HOUR_MS },
  })
  .approval('review', { deadlineMs: 240 * HOUR_MS })
  .action('send', { handler: 'send' })
  .edge('fetch', 'review')
  .edge('review', 'send')
  .build();
const input = { url: 'a.example' };

function publishing(options: Partial<TestKitOptions> = {}) {
  const handlers = { fetch: ({ url }: typeof input) => `page of ${url}`, send: () => 'sent' };
  return testKit({ handlers, ...options });
}

/** Five actions side by side, all done by the handler `work`, and one after them. */
const wide = plan('Wide')
  .action('a', { handler: 'work' })
  .action('b', { handler: 'work' })
  .action('c', { handler: 'work', retry: { maxAttempts: 5, backoff: 'exponential', delayMs: 999 } })
  .action('d', { handler: 'work' })
  .join('all')
  .action('last', { handler: 'work' })
  .edge('a', 'all')
  .edge('b', 'all')
  .edge('c', 'all')
  .edge('d', 'all')
  .edge('all', 'last')
  .build();
const single = plan('Single').action('only', { handler: 'work' }).build();

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.catch((reason: unknown) => reason);
  return (error as { code?: unknown } | undefined)?.code;
}

describe('time', () => {
  it('S212 jumps over the waits of retries, and stands where a person is asked', async () => {
    const kit = await publishing();
    kit.faults.handler('fetch', { throws: new Error('refused'), times: 2 });
    const started = kit.clock.now();
    const run = await kit.run(publish, { input });
    expect(run.status).toBe('awaiting-human');
    expect(run.trace[0]?.attempts.map(({ outcome }) => outcome)).toEqual([
      'failed',
      'failed',
      'completed',
    ]);
    const waits = run.log.filter('timer.armed').map(({ detail }) => Number(detail.delayMs));
    expect(kit.clock.now() - started).toBe((waits[0] ?? 0) + (waits[1] ?? 0));
    expect(run.tasks.map(({ node }) => node)).toEqual(['review']);
    await kit.respond(run, 'review', { approved: true }, { responder: 'ada' });
    expect(run).toMatchObject({ status: 'completed', outputs: { send: 'sent' } });
    expect(run.log.find('task.responded')?.detail.responder).toBe('ada');
  });

  it('S212 passes when the test says so, and fires what falls due on the way', async () => {
    const kit = await publishing();
    const run = await kit.run(publish, { input });
    await kit.advance('9d');
    expect(run.log.find('task.closed')).toBeUndefined();
    await kit.advance('1d');
    expect(run.log.find('task.closed')?.detail.status).toBe('expired');
    expect(run.log.print().split('\n').at(-1)).toMatch(/^ *\d+ +\+10d run\.\w+ /);
    expect(await codeOf(kit.respond(run, 'review', { approved: true }))).toBe('no-open-task');
    expect(await codeOf(kit.advance('soon'))).toBe('duration-invalid');
  });

  it('S212 goes no further than its limits, and the error prints the end of the log', async () => {
    const kit = await publishing({ maxTime: '30m' });
    kit.faults.handler('fetch', { times: 3 });
    const error: unknown = await kit.run(publish, { input }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SimulationError);
    expect(error).toMatchObject({ code: 'time-limit' });
    expect(String(error)).toContain('no rest within 30m of simulated time');
    expect(String(error)).toMatch(/node\.retry-scheduled fetch#1/);
    const short = await publishing({ maxSteps: 1 });
    short.faults.handler('fetch', { times: 3 });
    expect(await codeOf(short.run(publish, { input }))).toBe('step-limit');
  });

  it('S212 real work of handlers is awaited in real time, and its order of ending leaves no trace', async () => {
    const handlers = {
      work: (_input: unknown, { node }: HandlerContext) =>
        new Promise((resolve) => setTimeout(resolve, node === 'a' ? 20 : 1, node)),
    };
    const kit = await testKit({ handlers });
    const started = kit.clock.now();
    const run = await kit.run(wide);
    expect(run.outputs).toMatchObject({ a: 'a', last: 'last' });
    expect(run.log.filter('node.completed').map(({ node }) => node)).toEqual([
      'a',
      'b',
      'c',
      'd',
      'all',
      'last',
    ]);
    expect(kit.clock.now()).toBe(started);
  });

  it('S212 a handler that never ends is named by the error', async () => {
    const kit = await testKit({
      handlers: { work: () => new Promise(() => {}) },
      patienceMs: 20,
    });
    await expect(kit.run(single)).rejects.toThrow(/the handler of only#1 did not end within 20 ms/);
  });

  it('S212 a handler that ignores its signal does not keep a run from ending', async () => {
    const handlers = { work: () => new Promise(() => {}) };
    const kit = await testKit({ handlers, patienceMs: 20, limits: { graceMs: 7_000 } });
    const run = await kit.start(single);
    const started = kit.clock.now();
    await kit.cancel(run);
    expect(run.status).toBe('cancelled');
    expect(kit.clock.now() - started).toBe(7_000);
  });
});

describe('draining', () => {
  it('S185 several runs settle at the same time', async () => {
    const kit = await testKit({
      handlers: { work: () => new Promise((resolve) => setTimeout(resolve, 5)) },
    });
    const runs = await Promise.all([kit.run(wide), kit.run(single), kit.run(wide)]);
    expect(runs.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
  });

  it('S185 resolves when all handlers that can begin have begun, and nothing has been heard of them', async () => {
    const kit = await testKit({ handlers: { work: () => 1 } });
    const run = await kit.start(wide);
    await kit.drain();
    expect(run.nodes).toMatchObject({ a: 'running', d: 'running', last: 'pending' });
    await kit.settle(run);
    expect(run.status).toBe('completed');
  });

  it('S185 follows up what the engine is asked directly', async () => {
    const kit = await publishing();
    const run = await kit.run(publish, { input });
    void kit.orchestrator.cancel(run.id, { reason: 'enough' });
    await kit.drain();
    expect(run.status).toBe('cancelled');
    expect((await kit.runs.result(run.id)).status).toBe('cancelled');
    expect((await kit.get(run.id)).log.print()).toBe(run.log.print());
    expect(await codeOf(kit.get('other'))).toBe('run-unknown');
  });
});

describe('faults', () => {
  it('S212 a handler throws, for one node and as often as ordered', async () => {
    const kit = await testKit({ handlers: { work: () => 1 } });
    kit.faults.handler('work', { throws: new Error('down'), node: 'c', times: 4 });
    const run = await kit.run(wide);
    expect(run.status).toBe('completed');
    expect(run.log.filter('attempt.failed').map(({ node }) => node)).toEqual(['c', 'c', 'c', 'c']);
    expect(run.log.find('attempt.failed', { node: 'c', attempt: 4 })?.detail.message).toBe('down');
  });

  it('S212 a handler takes simulated time', async () => {
    const kit = await testKit({ handlers: { work: () => 1 } });
    kit.faults.handler('work', { delay: '2h', node: 'b' });
    const started = kit.clock.now();
    const run = await kit.run(wide);
    expect(kit.clock.now() - started).toBe(2 * HOUR_MS);
    expect(run.trace.find(({ node }) => node === 'b')?.attempts).toMatchObject([
      { startedAt: started, endedAt: started + 2 * HOUR_MS },
    ]);
  });

  it('S212 a handler hangs until it is told to stop', async () => {
    const kit = await testKit({ handlers: { work: () => 1 } });
    kit.faults.handler('work', { hangs: true });
    const run = await kit.start(single);
    await expect(kit.settle(run)).rejects.toThrow(
      /the handler of only#1 hangs, [\s\S]*node\.started/,
    );
    await kit.cancel(run);
    expect(run.status).toBe('cancelled');
    expect(run.log.find('attempt.cancelled')).toBeDefined();
  });

  it('S212 a handler that hangs for ever is left when its grace is over', async () => {
    const kit = await testKit({ handlers: { work: () => 1 }, limits: { graceMs: 7_000 } });
    kit.faults.handler('work', { hangs: 'forever' });
    const run = await kit.start(single);
    const started = kit.clock.now();
    await kit.cancel(run);
    expect(run.status).toBe('cancelled');
    expect(kit.clock.now() - started).toBe(7_000);
  });

  it.each(['storage-unavailable', 'turn-refused'] as const)(
    'S212 a commit fails as %s, and the run goes on',
    async (code) => {
      const kit = await testKit({ handlers: { work: () => 1 } });
      kit.faults.failCommit({ after: 2, times: 2, code });
      const run = await kit.run(wide);
      expect(run.status).toBe('completed');
      expect(run.log.filter('run.completed')).toHaveLength(1);
    },
  );

  it('S212 a caller from outside is told of a commit that failed', async () => {
    const kit = await publishing();
    const run = await kit.run(publish, { input });
    kit.faults.failCommit();
    expect(await codeOf(kit.respond(run, 'review', { approved: true }))).toBe('commit-failed');
    await kit.respond(run, 'review', { approved: true });
    expect(run.status).toBe('completed');
  });

  it('S212 the process stops after any commit, and the next one brings the run to the same end', async () => {
    for (let afterCommits = 1; ; afterCommits += 1) {
      const kit = await publishing();
      kit.faults.crash({ afterCommits });
      const run = await kit.run(publish, { input });
      await kit.respond(run, 'review', { approved: true });
      expect(run, run.log.print()).toMatchObject({
        status: 'completed',
        outputs: { fetch: 'page of a.example', send: 'sent' },
      });
      expect(run.log.filter('run.completed')).toHaveLength(1);
      if (afterCommits > run.log.length) break;
    }
  });

  it('S212 a process that is stopped leaves its attempts interrupted', async () => {
    const kit = await publishing();
    kit.faults.handler('fetch', { hangs: 'forever' });
    const run = await kit.start(publish, { input });
    await kit.restart();
    expect(run.log.find('run.recovered')?.detail).toMatchObject({ interrupted: 1 });
    await kit.settle(run);
    expect(run.trace[0]?.attempts.map(({ outcome }) => outcome)).toEqual([
      'interrupted',
      'completed',
    ]);
  });

  it('S212 a crash in which a turn was void harms no later process', async () => {
    const kit = await testKit({ handlers: { work: () => 1 } });
    kit.faults.failCommit({ after: 2, times: 1 });
    kit.faults.crash({ afterCommits: 3 });
    const run = await kit.run(wide);
    expect(run.status).toBe('completed');
  });
});

describe('what a test sees', () => {
  it('S193 the log is found by type, pattern and test, of a node and an attempt', async () => {
    const kit = await publishing();
    kit.faults.handler('fetch');
    const { log } = await kit.run(publish, { input });
    expect(log.find('attempt.failed')?.detail.message).toBe('an injected fault of "fetch"');
    expect(log.find('attempt.failed', { node: 'send' })).toBeUndefined();
    expect(log.filter(/^node\.started$/g, { node: 'fetch' }).map((e) => e.attempt)).toEqual([1, 2]);
    expect(log.filter(/^node\./, { attempt: 2 }).length).toBeGreaterThan(1);
    expect(log.find(({ at, seq }) => seq > 1 && at > 0)?.seq).toBe(2);
    expect([...log].map(({ seq }) => seq)).toEqual(
      Array.from({ length: log.length }, (_, i) => i + 1),
    );
    expect(log.print(1)).toMatch(/^ *\d+ +\+\d+m\d+s run\.status-changed running->awaiting-human$/);
  });

  it('S193 the trace of a run that failed has inputs, attempts, outputs and edges in order', async () => {
    const kit = await testKit({
      handlers: {
        read: () => ({ ok: true, output: { lines: 3 }, action: 'long' }),
        sum: () => Promise.reject(new Error('too long')),
      },
    });
    const draft = plan('Read')
      .action('read', { handler: 'read' })
      .action('short', { handler: 'sum' })
      .action('long', { handler: 'sum' })
      .edge('read', 'short', { on: 'short' })
      .edge('read', 'long', { on: 'long' })
      .build();
    const run = await kit.run(draft, { input: { file: 'a' } });
    expect(run.status).toBe('failed');
    expect(run.reason).toMatchObject({ message: 'too long' });
    expect(run.nodes).toEqual({ read: 'completed', short: 'skipped', long: 'failed' });
    expect(run.trace.map(({ node }) => node)).toEqual(['read', 'short', 'long']);
    const [read, short, long] = run.trace;
    expect(read).toMatchObject({
      input: { file: 'a' },
      output: { lines: 3 },
      attempts: [{ attempt: 1, outcome: 'completed' }],
      edges: [
        { edge: 'read->short', target: 'short', outcome: 'dead' },
        { edge: 'read->long', target: 'long', outcome: 'taken' },
      ],
    });
    expect(short).toMatchObject({ attempts: [], status: 'skipped' });
    expect(long).toMatchObject({
      input: { lines: 3 },
      attempts: [{ outcome: 'failed', error: { message: 'too long' } }],
      reason: { message: 'too long' },
    });
  });

  it('S193 progress stands in the log before the outcome, every value of it', async () => {
    const work = async (_input: unknown, context: HandlerContext) => {
      for (const value of [1, 2, 3]) context.progress(value);
      await context.signal.throwIfAborted();
      context.logger.warn({}, `attempt ${context.key} is slow`);
    };
    const kit = await testKit({ handlers: { work } });
    const run = await kit.run(single, { id: 'r1' });
    const told = run.log.filter(/progressed|completed/).map(({ detail }) => detail.progress);
    expect(told.slice(0, 3)).toEqual([1, 2, 3]);
    expect(run.log.filter('attempt.progressed')).toHaveLength(3);
    expect(kit.complaints).toEqual(['attempt r1/only/1/1 is slow']);
  });

  it('S193 pausing lets handlers end, and resuming goes on', async () => {
    const kit = await testKit({ handlers: { work: () => 1 } });
    const run = await kit.start(wide);
    await kit.pause(run);
    expect(run).toMatchObject({ status: 'paused', nodes: { a: 'completed', last: 'pending' } });
    await kit.resume(run);
    expect(run.status).toBe('completed');
  });
});

describe('a seed', () => {
  async function play(seed: number): Promise<string> {
    const work = async (_input: unknown, { node, progress }: HandlerContext) => {
      progress(`${node} begins`);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      return node;
    };
    const kit = await testKit({ handlers: { work }, seed });
    kit.faults.handler('work', { node: 'c', times: 3 });
    kit.faults.crash({ afterCommits: 9 });
    const run = await kit.run(wide);
    return `${JSON.stringify([...run.log])}\n${run.log.print()}\n${JSON.stringify(run.trace)}`;
  }

  it('S212 gives the same log byte for byte, and another one gives other jitter', async () => {
    const [first, again, other] = [await play(7), await play(7), await play(8)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });
});
