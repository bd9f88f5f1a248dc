/** Trace contexts as OpenTelemetry's API has them. Without a registered provider nothing here does anything. */
import {
  type Context,
  context,
  createTraceState,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type SpanContext,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { formatTraceparent, parseTraceparent, type TraceContext } from '../actors/trace-context.js';

const NAME = 'runchart';

/** Undefined where no provider is registered. */
export function findTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  if (!(provider instanceof ProxyTracerProvider)) return provider.getTracer(NAME);
  return provider.getDelegateTracer(NAME);
}

/** A context whose span is the one that `of` names, which is elsewhere. */
export function remoteContext(of: TraceContext | undefined): Context {
  const name = of === undefined ? undefined : parseTraceparent(of.traceparent);
  if (name === undefined) return ROOT_CONTEXT;
  const state = of?.tracestate;
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...name,
    isRemote: true,
    ...(state !== undefined && { traceState: createTraceState(state) }),
  });
}

export function toTraceContext(span: SpanContext): TraceContext {
  const tracestate = span.traceState?.serialize() ?? '';
  return { traceparent: formatTraceparent(span), ...(tracestate !== '' && { tracestate }) };
}

/** Calls with the span that `of` names as the active one. */
export function withinTrace<T>(of: TraceContext | undefined, call: () => T): T {
  return of === undefined ? call() : context.with(remoteContext(of), call);
}
