/**
 * Spans of runs. Invariants: 1. every parent that a span names was itself ended and exported, or is the
 * caller's: the span of the start is over when the start is durable, and all others of the run are its
 * children, in whatever process and after however long; 2. what a span says was committed; 3. an attempt has
 * one span. docs/decisions/0019-spans-of-runs.md says why.
 */

import {
  type Attributes,
  context,
  type HrTime,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Clock } from '../actors/environment.js';
import type {
  AttemptRecord,
  EventRecord,
  RunRecord,
  RunSettings,
  TurnRecord,
} from '../actors/records.js';
import type { ObservedCall, RunObserver, UpcomingCall } from '../actors/run-observers.js';
import { type TraceContext, traceOf } from '../actors/trace-context.js';
import { RecentMap } from '../recent-map.js';
import { findTracer, remoteContext, toTraceContext } from './active-trace.js';

/** Ends of node runs and of runs, by the types of their events. */
const NODE_ENDS = /^node\.(completed|partial|skipped|failed|cancelled)$/;
const RUN_ENDS = /^run\.(completed|partial|failed|cancelled)$/;
/** Node runs whose beginning is remembered; of older ones the last attempt's is taken. */
const MAX_BEGINNINGS = 100_000;

export class RunTracing implements RunObserver {
  readonly #clock: Clock;
  /** Attempts at work here. */
  readonly #attempts = new Map<string, Span>();
  /** When node runs that are not final became ready. */
  readonly #beginnings = new RecentMap<string, number>(MAX_BEGINNINGS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts a run in a span of its own, whose trace the run then keeps. */
  async start<T>(
    record: RunRecord,
    title: string,
    begin: (record: RunRecord) => Promise<T>,
  ): Promise<T> {
    const tracer = findTracer();
    if (tracer === undefined) return begin(record);
    const given = traceOf(record);
    const span = tracer.startSpan(
      `start ${title}`,
      {
        kind: SpanKind.PRODUCER,
        attributes: attributesOf(record),
        startTime: hrTime(this.#clock.now()),
      },
      given === undefined ? context.active() : remoteContext(given),
    );
    try {
      return await begin(withTrace(record, toTraceContext(span.spanContext())));
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: codeOf(error) });
      throw error;
    } finally {
      span.end(hrTime(this.#clock.now()));
    }
  }

  handlerCalled(call: UpcomingCall): ObservedCall | undefined {
    const tracer = findTracer();
    if (tracer === undefined) return undefined;
    const { run, node, generation, attempt, check, handler } = call;
    const what = check === undefined ? 'attempt' : `check ${check.check} of`;
    const parent = remoteContext(traceOf(run));
    const attributes: Attributes = {
      ...attributesOf(run, node, generation),
      'runchart.attempt': attempt,
      'runchart.handler': handler,
      ...(check !== undefined && { 'runchart.check': check.check }),
    };
    const startTime = hrTime(this.#clock.now());
    const span = tracer.startSpan(`${what} ${node}`, { attributes, startTime }, parent);
    if (check === undefined) this.#attempts.set(keyOf(run, { node, generation, attempt }), span);
    const active = trace.setSpan(parent, span);
    return {
      trace: toTraceContext(span.spanContext()),
      around: (work) => context.with(active, work),
      ended: () => {
        if (check !== undefined) span.end(hrTime(this.#clock.now()));
      },
    };
  }

  turnCommitted(run: RunRecord, { rows }: TurnRecord): void {
    const tracer = findTracer();
    if (tracer === undefined) return;
    for (const attempt of rows.attempts) this.#endAttempt(tracer, run, attempt);
    for (const event of rows.events) {
      const { type, node, at } = event;
      if (node !== null && type === 'node.ready') this.#begin(run, node, at);
      else if (node !== null && NODE_ENDS.test(type)) this.#endNode(tracer, run, event, rows);
      else if (RUN_ENDS.test(type)) this.#endRun(tracer, run, event);
    }
  }

  /** One that began in a process that is gone has its span now, in whole. */
  #endAttempt(tracer: Tracer, run: RunRecord, attempt: AttemptRecord): void {
    const { node, generation, outcome, startedAt, endedAt } = attempt;
    if (outcome === null || endedAt === null) return;
    const key = keyOf(run, attempt);
    const span =
      this.#attempts.get(key) ??
      tracer.startSpan(
        `attempt ${node}`,
        {
          startTime: hrTime(startedAt),
          attributes: {
            ...attributesOf(run, node, generation),
            'runchart.attempt': attempt.attempt,
            'runchart.worker': attempt.worker,
          },
        },
        remoteContext(traceOf(run)),
      );
    this.#attempts.delete(key);
    span.setAttribute('runchart.outcome', outcome);
    if (outcome !== 'completed' && outcome !== 'partial') {
      span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
    }
    span.end(hrTime(endedAt));
  }

  #begin(run: RunRecord, node: string, at: number): void {
    const key = `${run.run}/${node}`;
    if (!this.#beginnings.has(key)) this.#beginnings.set(key, at);
  }

  /** A node run that never became ready has none: it did nothing. */
  #endNode(tracer: Tracer, run: RunRecord, event: EventRecord, rows: TurnRecord['rows']): void {
    const { node, at, type } = event;
    if (node === null) return;
    const key = `${run.run}/${node}`;
    const last = rows.attempts.find((attempt) => attempt.node === node);
    const begun = this.#beginnings.get(key) ?? last?.startedAt;
    this.#beginnings.delete(key);
    if (begun === undefined) return;
    const generation = rows.nodeRuns.find((row) => row.node === node)?.generation ?? 1;
    const attributes = attributesOf(run, node, generation);
    past(tracer, run, { name: `node ${node}`, attributes, from: begun, to: at, end: type });
  }

  #endRun(tracer: Tracer, run: RunRecord, { at, type }: EventRecord): void {
    const attributes = attributesOf(run);
    past(tracer, run, { name: 'run', attributes, from: run.createdAt, to: at, end: type });
  }
}

interface PastSpan {
  readonly name: string;
  readonly attributes: Attributes;
  readonly from: number;
  readonly to: number;
  /** Type of the event that ended it. */
  readonly end: string;
}

/** The span of something that is over. */
function past(tracer: Tracer, run: RunRecord, { name, attributes, from, to, end }: PastSpan): void {
  const status = end.slice(end.indexOf('.') + 1);
  const span = tracer.startSpan(
    name,
    { startTime: hrTime(from), attributes: { ...attributes, 'runchart.status': status } },
    remoteContext(traceOf(run)),
  );
  if (status === 'failed') span.setStatus({ code: SpanStatusCode.ERROR, message: status });
  span.end(hrTime(to));
}

function attributesOf(run: RunRecord, node?: string, generation?: number): Attributes {
  return {
    'runchart.run': run.id,
    'runchart.plan': run.planHash,
    ...(node !== undefined && { 'runchart.node': node }),
    ...(generation !== undefined && { 'runchart.generation': generation }),
  };
}

function withTrace(record: RunRecord, of: TraceContext): RunRecord {
  const settings = JSON.parse(record.settingsJson ?? '{}') as RunSettings;
  return { ...record, settingsJson: JSON.stringify({ ...settings, trace: of }) };
}

function keyOf(
  run: RunRecord,
  { node, generation, attempt }: Pick<AttemptRecord, 'node' | 'generation' | 'attempt'>,
): string {
  return `${run.run}/${node}/${generation}/${attempt}`;
}

/** A plain number would be taken for a time since the process began where it is small. */
function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)];
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
}
