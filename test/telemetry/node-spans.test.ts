/** Spans of node runs, held against the log: every kind of node, over restarts and generations. */
import { type TracerProvider, trace } from '@opentelemetry/api';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Handlers } from '../../src/actors/handlers.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { RunEvent } from '../../src/views.js';
import { action, approval, chain, edge, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';
import { endOf, recordSpans, type Spans, startOf } from './support/spans.js';

const FINAL = /^node\.(completed|partial|skipped|failed|cancelled)$/;

async function open(url: string, handlers: Handlers): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ url, handlers });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

/** What the log says of the node runs that became ready, as spans have it. */
function expected(events: readonly RunEvent[], planHash: string): unknown[] {
  const readyAt = new Map<string | null, number>();
  const found: unknown[] = [];
  for (const { type, node, at, run, detail } of events) {
    if (type === 'node.ready' && detail.from === 'pending') readyAt.set(node, at);
    if (!FINAL.test(type) || (detail.from === 'pending' && type !== 'node.failed')) continue;
    const attributes = {
      'runchart.run': run,
      'runchart.plan': planHash,
      'runchart.node': node,
      'runchart.generation': detail.generation ?? 1,
      'runchart.status': type.slice('node.'.length),
    };
    const from = detail.from === 'pending' ? at : readyAt.get(node);
    found.push({ name: `node ${node}`, from, to: at, attributes });
  }
  return found;
}

function ofNodes(spans: Spans, run: string): unknown[] {
  return spans
    .all()
    .filter(({ name }) => name.startsWith('node '))
    .filter(({ attributes }) => attributes['runchart.run'] === run)
    .map((span) => {
      const { name, attributes } = span;
      return { name, from: startOf(span), to: endOf(span), attributes: { ...attributes } };
    });
}

async function expectSpansOfLog(spans: Spans, orchestrator: Orchestrator, run: string) {
  const planHash = (await orchestrator.runs.rows.getRun(run))?.planHash ?? '';
  const logged = expected(await orchestrator.runs.events(run), planHash);
  await vi.waitFor(() => expect(ofNodes(spans, run)).toHaveLength(logged.length));
  expect(ofNodes(spans, run)).toEqual(expect.arrayContaining(logged));
  return logged.length;
}

it('S195 node runs of every kind that were under way in a process that is gone have theirs, from when they were ready', async () => {
  const spans = recordSpans();
  const url = temporaryDatabase();
  const once = { nodes: [{ kind: 'signal', id: 's' }], edges: [] };
  const nodes = [
    approval('look'),
    { kind: 'loop', id: 'loop', body: once, maxIterations: 1 },
    { kind: 'subplan', id: 'sub', plan: 'inner' },
    { kind: 'signal', id: 'told' },
    action('done'),
    action('dead'),
  ];
  const { plan: draft } = plan(nodes, [edge('done', 'dead', { when: 'false' })], {
    plans: { inner: { title: 'Inner', ...once } },
  });
  const first = await open(url, { work: () => 1 });
  await first.start(draft, { id: 'r' });
  for await (const { type, detail } of first.events('r')) {
    if (type === 'child.changed' && detail.status === 'running') break;
  }
  await first.close();

  const second = await open(url, { work: () => 1 });
  const [task] = await second.runs.openTasks();
  await second.respond(task?.id ?? '', { response: { approved: true } });
  const child = (await second.runs.list()).find(({ id }) => id !== 'r')?.id ?? '';
  for (const [run, name] of [
    ['r', 's'],
    ['r', 'told'],
    [child, 's'],
  ] as const) {
    await second.signal(run, name);
  }
  await second.result('r');
  expect(await expectSpansOfLog(spans, second, 'r')).toBe(6);
  expect(await expectSpansOfLog(spans, second, child)).toBe(1);
});

it('S195 each generation of a node run has one of its own, also where it fails and begins again in one turn', async () => {
  const spans = recordSpans();
  let isGood = false;
  const fails = () => {
    if (isGood) return 1;
    isGood = true;
    throw new Error('once');
  };
  const orchestrator = await open(temporaryDatabase(), { work: () => 1, fails });
  const nodes = [
    action('a'),
    action('b', { handler: 'fails', onFailure: 'backtrack', backtrack: { to: 'a' } }),
    approval('look'),
  ];
  await orchestrator.start(plan(nodes, chain('a', 'b', 'look')).plan, { id: 'r' });
  await orchestrator.settled('r');
  await orchestrator.change.rollback('r', 'b', { by: 'ann' });
  await orchestrator.settled('r');
  const [task] = await orchestrator.runs.openTasks();
  await orchestrator.respond(task?.id ?? '', { response: { approved: true } });
  await orchestrator.result('r');
  // a, b and look: two, three and two generations.
  expect(await expectSpansOfLog(spans, orchestrator, 'r')).toBe(7);
});

it('S195 tries again, items, compensations and what fails on its inputs have one span each', async () => {
  const spans = recordSpans();
  const handlers = {
    work: () => 1,
    second: (_: unknown, { attempt }: { attempt: number }) => {
      if (attempt === 1) throw new Error('again');
    },
  };
  const orchestrator = await open(temporaryDatabase(), handlers);
  const nodes = [
    action('a', { compensate: { handler: 'work' } }),
    action('again', { handler: 'second', retry: { maxAttempts: 2 } }),
    { kind: 'map', id: 'items', items: '[1, 2]', handler: 'work' },
    action('bad', { inputSchema: 'text' }),
  ];
  const run = await orchestrator.start(
    plan(nodes, chain('a', 'items', 'again', 'bad'), {
      schemas: { text: { type: 'string' } },
    }).plan,
  );
  expect((await run.result()).status).toBe('failed');
  expect(await expectSpansOfLog(spans, orchestrator, run.id)).toBe(7);
});

it('S195 S224 a tracer that fails harms no run', async () => {
  const broken = () => {
    throw new Error('the exporter is gone');
  };
  for (const provider of [
    { getTracer: broken },
    { getTracer: () => ({ startSpan: broken }) },
    { getTracer: () => ({ startSpan: () => ({ spanContext: broken, end: broken }) }) },
    {
      getTracer: () => ({
        startSpan: () => ({
          spanContext: () => ({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }),
          setStatus: broken,
          setAttribute: broken,
          end: broken,
        }),
      }),
    },
  ]) {
    trace.setGlobalTracerProvider(provider as unknown as TracerProvider);
    onTestFinished(() => trace.disable());
    const orchestrator = await open(temporaryDatabase(), { work: () => 1 });
    const run = await orchestrator.start(plan([action('a')]).plan);
    expect((await run.result()).status).toBe('completed');
    trace.disable();
  }
});
