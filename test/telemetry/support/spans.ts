/** A tracer that keeps what it exports, registered for one test. */
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { onTestFinished } from 'vitest';

export interface Spans {
  /** Ended spans of this name, in the order of their ends. */
  named(name: string): readonly ReadableSpan[];
  all(): readonly ReadableSpan[];
}

export function recordSpans(): Spans {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const manager = new AsyncLocalStorageContextManager().enable();
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(manager);
  onTestFinished(() => {
    trace.disable();
    context.disable();
  });
  return {
    all: () => exporter.getFinishedSpans(),
    named: (name) => exporter.getFinishedSpans().filter((span) => span.name === name),
  };
}

/** Milliseconds since the epoch. */
export function startOf({ startTime: [seconds, nanos] }: ReadableSpan): number {
  return seconds * 1_000 + nanos / 1e6;
}

export function endOf({ endTime: [seconds, nanos] }: ReadableSpan): number {
  return seconds * 1_000 + nanos / 1e6;
}
