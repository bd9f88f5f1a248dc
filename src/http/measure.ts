/** The metrics that an app shows, and tells of every request that was answered. */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Orchestrator } from '../orchestrator.js';
import { createMetrics, type Metrics } from '../telemetry/metrics.js';

export class ServedMetrics {
  readonly #orchestrator: Orchestrator;
  #metrics: Metrics | undefined;

  constructor(orchestrator: Orchestrator, metrics: Metrics | undefined) {
    this.#orchestrator = orchestrator;
    this.#metrics = metrics;
  }

  /** Undefined as long as nobody has asked for any. */
  get begun(): Metrics | undefined {
    return this.#metrics;
  }

  begin(): Metrics {
    this.#metrics ??= createMetrics(this.#orchestrator);
    return this.#metrics;
  }
}

export function measure(metrics: ServedMetrics): MiddlewareHandler {
  return async (context, next) => {
    const begun = performance.now();
    await next();
    metrics.begun?.requestAnswered({
      method: context.req.method,
      route: routePath(context, -1),
      status: context.res.status,
      seconds: (performance.now() - begun) / 1_000,
    });
  };
}
