/** The trace that a run belongs to, as W3C Trace Context writes it. Pure: knows no tracer. */
import type { RunRecord, RunSettings, TraceContext } from './records.js';

export type { TraceContext };

/** `TraceContext` in parts. */
export interface SpanName {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NOTHING = /^0+$/;
/** What a header may have of it. */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** The parts of a `traceparent`; undefined where it is none, which is no error: traces are ignored then. */
export function parseTraceparent(traceparent: string): SpanName | undefined {
  const [, version, traceId = '', spanId = '', flags = '', rest] =
    TRACEPARENT.exec(traceparent) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return;
  if (NOTHING.test(traceId) || NOTHING.test(spanId)) return;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanName): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** The trace that two headers name; undefined where they name none. */
export function traceFromHeaders(
  traceparent: string | undefined,
  tracestate?: string | undefined,
): TraceContext | undefined {
  const name = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  if (name === undefined) return undefined;
  const hasState = tracestate !== undefined && TRACESTATE.test(tracestate);
  return { traceparent: formatTraceparent(name), ...(hasState && { tracestate }) };
}

/** The trace that a run was started in, or began: what webhooks and workers hand on. */
export function traceOf({
  settingsJson,
}: Pick<RunRecord, 'settingsJson'>): TraceContext | undefined {
  if (settingsJson?.includes('"trace"') !== true) return undefined;
  return (JSON.parse(settingsJson) as RunSettings).trace;
}
