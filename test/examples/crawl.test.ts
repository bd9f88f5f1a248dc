import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  createOrchestrator,
  external,
  type HandlerContext,
  type HandlerFunction,
  type Handlers,
  type Orchestrator,
} from '../../src/index.js';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import type { JsonValue } from '../../src/plan/json.js';
import { testKit } from '../../src/testing/index.js';
import { openSite, readStream, type Site, STREAM } from '../http/support/site.js';
import { upTo } from '../support/numbers.js';
import { temporaryDatabase } from '../support/temporary.js';
import { LEASE_MS, Outside } from '../work/support/outside.js';
import { BEGINNING, linesOf, openExample, withNode } from './support/example.js';

const { plan, handlers } = await openExample('crawl');
const PROCESS = 'crawl/process';
const TERMINAL = /^run\.(completed|partial|failed|cancelled)$/;
const NO_PAUSE = { input: { pauseMs: 0 } };
const STARTED = ['node.ready start', 'node.started start#1', 'node.completed start#1'];
const FINISHED = [
  'node.ready finish',
  'node.started finish#1',
  'artifact.stored finish#1',
  'node.completed finish#1',
  'run.completed running→completed',
];

/** The example's handlers, with something in front of the crawl. */
function preceded(look: (context: HandlerContext) => unknown): Handlers {
  const crawl = handlers[PROCESS] as HandlerFunction;
  const looked: HandlerFunction = async (input, context) => {
    await look(context);
    return crawl(input, context);
  };
  return { ...handlers, [PROCESS]: looked };
}

async function onFile(served: Handlers): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: served });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

describe('examples/crawl', () => {
  it('S27 S29 S30 S159 starts, works for two seconds and finishes, in events without a gap', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler(PROCESS, { delay: '2s' });
    const run = await kit.run(plan, NO_PAUSE);
    expect(linesOf(run.log)).toEqual([
      ...BEGINNING,
      ...STARTED,
      'node.ready process',
      'node.started process#1',
      'node.completed process#1',
      ...FINISHED,
    ]);
    expect([...run.log].map(({ seq }) => seq)).toEqual(upTo(run.log.length));
    expect(run.log.filter(TERMINAL)).toHaveLength(1);
    const at = (type: string) => run.log.find(type, { node: 'process' })?.at ?? 0;
    expect(at('node.completed') - at('node.started')).toBe(2_000);
    expect(run.outputs.finish).toEqual({ pages: 4, broken: 1 });
    const [report] = (await kit.runs.details(run.id)).artifacts;
    expect(report?.payload).toMatch(/tools\.html: the link spade\.html leads nowhere\n$/);
  });

  it('S152 S153 S154 is cancelled while it works: the signal is aborted and nothing follows', async () => {
    const seen: HandlerContext[] = [];
    const orchestrator = await onFile(preceded((context) => seen.push(context)));
    const run = await orchestrator.start(plan, { input: { pauseMs: 60_000 } });
    for await (const { type, node } of run.events())
      if (type === 'node.started' && node === 'process') break;
    const first = await orchestrator.cancel(run.id);
    expect(await orchestrator.cancel(run.id)).toEqual(first);
    expect((await run.result()).status).toBe('cancelled');
    expect(seen.map(({ signal }) => signal.aborted)).toEqual([true]);
    const events = await orchestrator.runs.events(run.id);
    expect(events.filter(({ type }) => TERMINAL.test(type))).toHaveLength(1);
    expect(linesOf(events).slice(BEGINNING.length + STARTED.length)).toEqual([
      'node.ready process',
      'node.started process#1',
      'run.cancel-requested',
      'nodes.cancelled',
      'node.stopping process#1',
      'attempt.cancelled process#1',
      'node.cancelled process#1',
      'run.cancelled running→cancelled',
    ]);
  });

  it('S154 refuses to cancel a run that has ended, and one that is not there', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, NO_PAUSE);
    const log = linesOf(run.log);
    await expect(kit.cancel(run)).rejects.toMatchObject({ code: 'run-ended' });
    expect(linesOf(run.log)).toEqual(log);
    const unknown = kit.ask((orchestrator) => orchestrator.cancel('unknown'));
    await expect(unknown).rejects.toMatchObject({ code: 'run-unknown' });
  });

  it.each([1, 2, 3])(
    'S108 S109 tries again after 100 and 200 ms, shortened by chance (seed %i)',
    async (seed) => {
      const kit = await testKit({ handlers, seed });
      kit.faults.handler(PROCESS, { times: 2 });
      const run = await kit.run(plan, NO_PAUSE);
      expect(linesOf(run.log).slice(BEGINNING.length + STARTED.length)).toEqual([
        'node.ready process',
        'node.started process#1',
        'attempt.failed process#1',
        'node.retry-scheduled process#1',
        'timer.armed process',
        'timer.fired process',
        'node.retry-due process#1',
        'node.started process#2',
        'attempt.failed process#2',
        'node.retry-scheduled process#2',
        'timer.armed process',
        'timer.fired process',
        'node.retry-due process#2',
        'node.started process#3',
        'node.completed process#3',
        ...FINISHED,
      ]);
      const [first = 0, second = 0] = run.log
        .filter('timer.armed')
        .map(({ detail }) => Number(detail.delayMs));
      expect([first >= 75 && first <= 100, second >= 150 && second <= 200]).toEqual([true, true]);
    },
  );

  it('S113 S119 fails once where it never succeeds', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler(PROCESS, { times: 3, throws: new Error('no disk') });
    const run = await kit.run(plan, NO_PAUSE);
    expect(run).toMatchObject({ status: 'failed', nodes: { finish: 'cancelled' } });
    expect(linesOf(run.log).slice(-4)).toEqual([
      'attempt.failed process#3',
      'node.failed process#3',
      'nodes.cancelled',
      'run.failed running→failed',
    ]);
    expect(run.log.filter(TERMINAL)).toHaveLength(1);
    expect(run.log.find('run.failed')?.detail.reason).toMatchObject({ message: 'no disk' });
    expect(run.log.find('run.backtracked')).toBeUndefined();
  });

  it('S117 goes back to the start once where the page has changed, and is done then', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler(PROCESS, { throws: changed() });
    const run = await kit.run(plan, NO_PAUSE);
    expect(linesOf(run.log).slice(BEGINNING.length + STARTED.length)).toEqual([
      'node.ready process',
      'node.started process#1',
      'attempt.failed process#1',
      'node.failed process#1',
      'run.backtracked process',
      'nodes.renewed',
      ...STARTED,
      'node.ready process',
      'node.started process#1',
      'node.completed process#1',
      ...FINISHED,
    ]);
    expect(run.log.find('run.backtracked')?.detail).toMatchObject({ to: 'start', restart: 1 });
  });

  it.each([
    { of: 'a page that changes again and again', draft: plan, error: changed(), tries: 1 },
    {
      of: 'whatever fails',
      draft: withNode(plan, 'process', { onFailure: 'backtrack' }),
      error: new Error('no disk'),
      tries: 3,
    },
  ])('S61 S117 fails with budget_exhausted after a restart because of $of', async (given) => {
    const kit = await testKit({ handlers });
    kit.faults.handler(PROCESS, { times: 10, throws: given.error });
    const run = await kit.run(given.draft, NO_PAUSE);
    expect(run.status).toBe('failed');
    expect(run.reason).toMatchObject({ code: 'budget_exhausted' });
    expect(run.log.filter('run.backtracked').map(({ detail }) => detail.restart)).toEqual([1]);
    expect(run.log.filter('node.started', { node: 'start' })).toHaveLength(2);
    expect(run.log.filter('node.started', { node: 'process' })).toHaveLength(2 * given.tries);
    expect(run.log.filter(TERMINAL)).toHaveLength(1);
  });

  it('S159 S164 S167 goes on after a crash, in numbers that go on', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler(PROCESS, { delay: '2s' });
    const run = await kit.start(plan, NO_PAUSE);
    await kit.advance('1s');
    expect(run.nodes).toEqual({ start: 'completed', process: 'running', finish: 'pending' });
    await kit.restart();
    await kit.settle(run);
    expect(linesOf(run.log).slice(BEGINNING.length + STARTED.length)).toEqual([
      'node.ready process',
      'node.started process#1',
      'run.recovered',
      'attempt.interrupted process#1',
      'node.ready process#1',
      'node.started process#2',
      'node.completed process#2',
      ...FINISHED,
    ]);
    expect([...run.log].map(({ seq }) => seq)).toEqual(upTo(run.log.length));
  });

  it('S51 S159 S178 is crawled by the worker that claims it, and by another once that is silent', async () => {
    const outside = new Outside({
      handlers: { ...handlers, [PROCESS]: external({ leaseMs: LEASE_MS, capability: 'crawl' }) },
    });
    const version = compilePlanOrThrow(plan);
    await outside.start(version, { input: { pauseMs: 0 } });
    await vi.waitFor(() => expect(outside.work.offers()).not.toEqual([]));
    const first = await outside.claimOne('w1', 'crawl');
    expect(await outside.claim('w2', 1, ['crawl'])).toEqual([]);
    // It is killed: nobody says that it is alive.
    await outside.advance(LEASE_MS);
    const second = await outside.claimOne('w2', 'crawl');
    expect([first.attempt, second.attempt]).toEqual([1, 2]);
    const before = outside.rows().events.length;
    const late = await outside.refusal(outside.complete(first, { pages: 0, links: [] }));
    expect(late).toBe('lease-lost');
    expect(outside.log().slice(before)).toEqual(['attempt.result-refused process#1']);
    const { signal } = new AbortController();
    const crawl = handlers[PROCESS] as HandlerFunction;
    const found = await crawl(second.input, { signal, attempt: 2 } as HandlerContext);
    await outside.complete(second, found as JsonValue);
    // The report is written here.
    await vi.waitFor(async () => {
      await outside.settle();
      expect(outside.status()).toBe('completed');
    });
    expect(outside.rows().events.map(({ seq }) => seq)).toEqual(upTo(outside.rows().seq));
    expect(outside.log('r1', /^node\.completed/)).toEqual([
      'node.completed start#1',
      'node.completed process#2',
      'node.completed finish#1',
    ]);
  });

  it('S187 streams from the fourth event on, says that it is there, and ends with the run', async () => {
    let goOn = () => {};
    const silence = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const site: Site = await openSite(
      preceded(() => silence),
      { heartbeatMs: 5 },
    );
    onTestFinished(() => site.close());
    const run = await site.orchestrator.start(plan, { ...NO_PAUSE, id: 'r' });
    const numbers: number[] = [];
    let heartbeats = 0;
    for await (const { event } of readStream(await site.get('/runs/r/events?after=3', STREAM))) {
      if (event !== undefined) numbers.push(event.seq);
      else if (numbers.at(-1) === 8) {
        heartbeats += 1;
        goOn();
      }
    }
    expect(heartbeats).toBeGreaterThan(0);
    await run.result();
    const log = await site.orchestrator.runs.events('r');
    expect(numbers).toEqual(log.slice(3).map(({ seq }) => seq));
    expect(log.at(-1)?.type).toBe('run.completed');

    const late: number[] = [];
    for await (const { event } of readStream(await site.get('/runs/r/events', STREAM)))
      if (event !== undefined) late.push(event.seq);
    expect(late).toEqual(upTo(log.length));
  });
});

function changed(): Error {
  return Object.assign(new Error('index.html has changed'), { class: 'changed' });
}
