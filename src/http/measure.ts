/** Tells the metrics of every request that was answered. */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Metrics } from '../telemetry/metrics.js';

export function measure(metrics: () => Metrics): MiddlewareHandler {
  return async (context, next) => {
    const counting = metrics();
    const begun = performance.now();
    await next();
    counting.requestAnswered({
      method: context.req.method,
      route: routePath(context, -1),
      status: context.res.status,
      seconds: (performance.now() - begun) / 1_000,
    });
  };
}
