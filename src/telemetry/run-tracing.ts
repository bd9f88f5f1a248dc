/**
 * Spans of runs. Invariants: 1. every parent that a span names was itself ended and exported, or is the
 * caller's: the span of the start is over when the start is durable, and all others of the run are its
 * children, in whatever process and after however long; 2. what a span says was committed; 3. an attempt has
 * one span; 4. a tracer that fails harms no run. docs/decisions/0019-spans-of-runs.md says why.
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
import type { Logger } from '../actors/handlers.js';
import type {
  AttemptRecord,
  EventRecord,
  RunRecord,
  RunSettings,
  TurnRecord,
} from '../actors/records.js';
import type { ObservedCall, RunObserver, UpcomingCall } from '../actors/run-observers.js';
import { type TraceContext, traceOf } from '../actors/trace-context.js';
import type { JsonObject } from '../plan/json.js';
import type { EventRows } from '../storage/run-rows.js';
import { findTracer, remoteContext, toTraceContext } from './active-trace.js';
import { Beginnings } from './beginnings.js';

/** Ends of node runs and of runs, by the types of their events. */
const NODE_ENDS = /^node\.(completed|partial|skipped|failed|cancelled)$/;
const RUN_ENDS = /^run\.(completed|partial|failed|cancelled)$/;

export interface RunTracingParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rows: Pick<EventRows, 'eventsOfType'>;
}

export class RunTracing implements RunObserver {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Attempts at work here. */
  readonly #attempts = new Map<string, Span>();
  readonly #beginnings: Beginnings;
  /** Spans that wait for what the log says. */
  readonly #late = new Set<Promise<void>>();

  constructor({ clock, logger, rows }: RunTracingParts) {
    this.#clock = clock;
    this.#logger = logger;
    this.#beginnings = new Beginnings(rows);
  }

  /** Resolves when all that is over has its spans. */
  async settled(): Promise<void> {
    await Promise.all(this.#late);
  }

  /** Starts a run in a span of its own, whose trace the run then keeps. */
  async start<T>(
    record: RunRecord,
    title: string,
    begin: (record: RunRecord) => Promise<T>,
  ): Promise<T> {
    const begun = this.#guard(() => this.#startOf(record, title));
    if (begun === undefined) return begin(record);
    const { span, trace: own } = begun;
    try {
      return await begin(withTrace(record, own));
    } catch (error) {
      this.#guard(() => span.setStatus({ code: SpanStatusCode.ERROR, message: codeOf(error) }));
      throw error;
    } finally {
      this.#guard(() => span.end(hrTime(this.#clock.now())));
    }
  }

  /** The span of a start; undefined where nobody traces. */
  #startOf(record: RunRecord, title: string): { span: Span; trace: TraceContext } | undefined {
    const tracer = findTracer();
    if (tracer === undefined) return undefined;
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
    return { span, trace: toTraceContext(span.spanContext()) };
  }

  #guard<T>(tell: () => T): T | undefined {
    try {
      return tell();
    } catch (error) {
      this.#logger.error({ error }, 'a tracer failed');
      return undefined;
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
      const { type, node } = event;
      if (node !== null && type === 'node.ready') this.#beginnings.note(event);
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

  /** One that did not become ready has done nothing and has none, unless it failed. */
  #endNode(tracer: Tracer, run: RunRecord, event: EventRecord, rows: TurnRecord['rows']): void {
    const { node, at, type, detailJson } = event;
    if (node === null) return;
    const { from, generation = 1 } = JSON.parse(detailJson) as JsonObject;
    const wasReady = from !== 'pending';
    if (!wasReady && type !== 'node.failed') return;
    const attributes = attributesOf(run, node, Number(generation));
    const end = (begun = at) =>
      past(tracer, run, { name: `node ${node}`, attributes, from: begun, to: at, end: type });
    const begun = this.#beginnings.take(run.run, node);
    if (begun !== undefined || !wasReady) return end(begun);
    const last = rows.attempts.find((attempt) => attempt.node === node);
    const late = this.#beganBefore(run.run, node).then((found) =>
      this.#guard(() => end(Math.min(found ?? last?.startedAt ?? at, at))),
    );
    this.#late.add(late);
    void late.then(() => this.#late.delete(late));
  }

  /** When a node run became ready that this process did not see; undefined where the log does not say so any more. */
  async #beganBefore(run: number, node: string): Promise<number | undefined> {
    try {
      await this.#beginnings.recall(run);
    } catch (error) {
      this.#logger.warn({ run, error }, 'when its node runs became ready could not be read');
    }
    return this.#beginnings.take(run, node);
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
