import { context, trace } from '@opentelemetry/api';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HandlerContext, Handlers } from '../../src/actors/handlers.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { openSite } from '../http/support/site.js';
import { isolate } from '../isolation/support/isolating.js';
import { action, approval, chain, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';
import { endOf, recordSpans, type Spans, startOf } from './support/spans.js';

const GIVEN = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

async function open(url: string, handlers: Handlers, drainMs = 10_000): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ url, handlers, limits: { drainMs } });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

/** Names of the spans whose parent is neither among the exported nor `outside`. */
function orphans(spans: Spans, outside?: string): string[] {
  const known = new Set(spans.all().map((span) => span.spanContext().spanId));
  return spans
    .all()
    .filter(({ parentSpanContext: parent }) => {
      if (parent === undefined || parent.spanId === outside) return false;
      return !known.has(parent.spanId);
    })
    .map(({ name }) => name);
}

describe('S224 spans', () => {
  it('S224 S195 tell of run, node runs and attempts with their attributes, as they were committed', async () => {
    const spans = recordSpans();
    const seen: { active: string | undefined; trace: string | undefined }[] = [];
    const work = (_input: unknown, { trace: own }: HandlerContext) => {
      const active = trace.getSpan(context.active())?.spanContext().spanId;
      seen.push({ active, trace: own?.traceparent });
      trace.getTracer('test').startSpan('inside').end();
    };
    const orchestrator = await open(temporaryDatabase(), { work });
    const { plan: draft, hash } = plan([action('a'), action('b')], chain('a', 'b'));
    const tracer = trace.getTracer('test');
    await tracer.startActiveSpan('caller', async (caller) => {
      await (await orchestrator.start(draft, { id: 'r' })).result();
      caller.end();
    });

    const names = spans.all().map(({ name }) => name);
    expect([...names].sort()).toEqual(
      [
        'start Test',
        ...['attempt a', 'attempt b', 'node a', 'node b', 'inside', 'inside', 'run', 'caller'],
      ].sort(),
    );
    expect(new Set(spans.all().map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(orphans(spans)).toEqual([]);
    const [attempt] = spans.named('attempt a');
    expect(attempt?.attributes).toEqual({
      'runchart.run': 'r',
      'runchart.plan': hash,
      'runchart.node': 'a',
      'runchart.generation': 1,
      'runchart.attempt': 1,
      'runchart.handler': 'work',
      'runchart.outcome': 'completed',
    });
    const [start] = spans.named('start Test');
    for (const name of ['attempt a', 'node a', 'run']) {
      expect(spans.named(name)[0]?.parentSpanContext?.spanId).toBe(start?.spanContext().spanId);
    }
    const own = attempt?.spanContext();
    expect(seen[0]?.active).toBe(own?.spanId);
    expect(seen[0]?.trace).toBe(`00-${own?.traceId}-${own?.spanId}-01`);
    expect(spans.named('inside')[0]?.parentSpanContext?.spanId).toBe(own?.spanId);

    const [run] = spans.named('run');
    const { createdAt, endedAt } = await orchestrator.runs.summary('r');
    expect([run && startOf(run), run && endOf(run)]).toEqual([createdAt, endedAt]);
    const [row] = await orchestrator.runs.attempts('r', 'a');
    expect(attempt && endOf(attempt)).toBe(row?.endedAt);
  });

  it('S224 of a run that outlives its process have parents that were exported, and times that were committed', async () => {
    const spans = recordSpans();
    const url = temporaryDatabase();
    const hangs = new Promise<void>(() => {});
    let isFirst = true;
    const work = () => (isFirst ? hangs : undefined);
    const first = await open(url, { work }, 1);
    const nodes = [approval('look'), action('a')];
    await first.start(plan(nodes, chain('look', 'a')).plan, { id: 'r' });
    const [task] = await first.runs.openTasks();
    await first.respond(task?.id ?? '', { response: { approved: true } });
    await first.close();
    expect(spans.named('attempt a')).toEqual([]);

    isFirst = false;
    const second = await open(url, { work });
    await second.result('r');
    const attempts = spans.named('attempt a');
    const outcomes = attempts.map(({ attributes }) => attributes['runchart.outcome']);
    expect(outcomes).toEqual(['interrupted', 'completed']);
    const rows = await second.runs.attempts('r', 'a');
    expect(attempts.map(endOf)).toEqual(rows.map(({ endedAt }) => endedAt));
    expect(attempts[0] && startOf(attempts[0])).toBe(rows[0]?.startedAt);
    expect(orphans(spans)).toEqual([]);
    expect(spans.named('run')).toHaveLength(1);
    expect(spans.named('node look')).toHaveLength(1);
  });

  it('S224 belong to the trace that a start brings along, and so do those of its subplans', async () => {
    const spans = recordSpans();
    const orchestrator = await open(temporaryDatabase(), { work: () => 1 });
    const { plan: draft } = plan([{ kind: 'subplan', id: 'sub', plan: 'inner' }], [], {
      plans: { inner: { title: 'Inner', nodes: [action('deep')], edges: [] } },
    });
    const run = await orchestrator.start(draft, { trace: { traceparent: GIVEN } });
    await run.result();
    expect(spans.named('attempt deep')[0]?.spanContext().traceId).toBe(GIVEN.slice(3, 35));
    expect(spans.named('start Inner')).toHaveLength(1);
    expect(orphans(spans, GIVEN.slice(36, 52))).toEqual([]);
    await expect(
      orchestrator.start(draft, { trace: { traceparent: 'nonsense' } }),
    ).rejects.toMatchObject({ code: 'argument-invalid' });
  });

  it('S224 show failures', async () => {
    const spans = recordSpans();
    const work = () => {
      throw new Error('boom');
    };
    const orchestrator = await open(temporaryDatabase(), { work });
    await (await orchestrator.start(plan([action('a')]).plan)).result();
    for (const name of ['attempt a', 'node a', 'run']) {
      expect(spans.named(name)[0]?.status).toMatchObject({ code: 2 });
    }
  });
});

describe('S224 the context of a trace', () => {
  it.each(['thread', 'process'] as const)('S224 reaches a handler in a %s', async (place) => {
    const work = isolate({ in: place, export: 'traced' });
    const orchestrator = await open(temporaryDatabase(), { work });
    const run = await orchestrator.start(plan([action('a')]).plan, {
      trace: { traceparent: GIVEN, tracestate: 'vendor=1' },
    });
    // No provider is registered: what came is handed on as it is.
    const trace = { traceparent: GIVEN, tracestate: 'vendor=1' };
    expect((await run.result()).outputs.a).toEqual(trace);
    expect(await orchestrator.runs.trace(run.id)).toEqual(trace);
  });

  it('S224 is nothing, and nothing is stored of it, where there is neither a provider nor a trace', async () => {
    const work = (_input: unknown, { trace }: HandlerContext) => trace === undefined;
    const orchestrator = await open(temporaryDatabase(), { work });
    const run = await orchestrator.start(plan([action('a')]).plan);
    expect((await run.result()).outputs.a).toBe(true);
    expect(await orchestrator.runs.rows.getRun(run.id)).toMatchObject({ settingsJson: null });
  });
});

it('S224 a start over HTTP belongs to the trace of its headers, and nonsense there is ignored', async () => {
  const site = await openSite({ work: () => 1 });
  onTestFinished(() => site.close());
  const body = (id: string) => ({ plan: plan([action('a')]).plan, id });
  const json = { 'content-type': 'application/json' };
  await site.post('/runs', body('a'), { ...json, traceparent: GIVEN });
  await site.post('/runs', body('b'), { ...json, traceparent: 'nonsense' });
  expect(await site.orchestrator.runs.trace('a')).toEqual({ traceparent: GIVEN });
  expect(await site.orchestrator.runs.trace('b')).toBeUndefined();
});
