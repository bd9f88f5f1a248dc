/** The HTTP API over an orchestrator. docs/http.md describes it. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Hono } from 'hono';
import type { Orchestrator } from '../orchestrator.js';
import type { Metrics } from '../telemetry/metrics.js';
import { readVersion } from '../version.js';
import { guard } from './access/guard.js';
import {
  DEFAULT_RATE,
  DEFAULT_REFUSALS,
  DEFAULT_TENANT_RATE,
  type Rate,
  RateLimit,
  rateOf,
} from './access/rate-limit.js';
import { viewedScope } from './access/viewed-scope.js';
import { loopbackOnly, sameOriginOnly } from './loopback.js';
import { McpEndpoint } from './mcp/endpoint.js';
import { measure, ServedMetrics } from './measure.js';
import { OpenStreams } from './open-streams.js';
import { type OfferedPlan, PlanCatalog } from './plan-catalog.js';
import { RequestError, sendProblem, toProblem } from './problem.js';
import type { RouteEnv } from './route-spec.js';
import { serveAccess } from './routes/access.js';
import { serveArtifacts } from './routes/artifacts.js';
import { serveChanges } from './routes/changes.js';
import { serveDocument } from './routes/document.js';
import { serveEvents } from './routes/events.js';
import { serveHealth } from './routes/health.js';
import { serveHistory } from './routes/history.js';
import { serveMcp } from './routes/mcp.js';
import { serveOperations } from './routes/operations.js';
import { servePlans } from './routes/plans.js';
import { serveRuns } from './routes/runs.js';
import { serveSchedules } from './routes/schedules.js';
import { serveStreams } from './routes/streams.js';
import { serveTasks } from './routes/tasks.js';
import { serveWebhooks } from './routes/webhooks.js';
import { serveWork } from './routes/work.js';
import type { HttpScope } from './scope.js';
import { AppRoutes } from './serve-routes.js';

export type { OfferedPlan } from './plan-catalog.js';
export type { Problem } from './problem.js';

/** What the HTTP API is put together with, beside the orchestrator. */
export interface HttpOptions {
  /** Plans that runs can be started of by name. */
  readonly plans?: Readonly<Record<string, OfferedPlan>>;
  /** Silence after which a stream of events says that it is still there; 15 seconds unless given. */
  readonly heartbeatMs?: number;
  /** Ends the streams of events; clients go on elsewhere, or later, with what they have. */
  readonly closing?: AbortSignal;
  /**
   * Whether every route but health needs a token: `required` beyond loopback. `optional` unless given: then
   * only this machine is served, and whoever sends no token may do everything.
   */
  readonly tokens?: 'required' | 'optional';
  /** How often one principal may ask: 200 times a second, 1,000 at once, unless given. */
  readonly rate?: Rate;
  /** How often those of one tenant may, together: 1,000 times a second, 5,000 at once, unless given. */
  readonly tenantRate?: Rate;
  /** How often one address is told that its token or link is refused: once in 5 s, 20 times at once, unless given. */
  readonly refusals?: Rate;
  /** Streams that one principal may have open; 256 unless given. */
  readonly maxStreams?: number | undefined;
  /** Streams that may be open in all, so that connections are left for other requests; 900 unless given. */
  readonly maxAllStreams?: number | undefined;
  /** What `GET /metrics` shows; begun with the first scrape unless given. */
  readonly metrics?: Metrics;
  /** Whether the process is about to stop: it is not ready then, although it still answers. */
  isDraining?(): boolean;
  /** Told of errors that callers only learn to be internal. */
  onInternalError?(error: unknown): void;
}

const RESOURCES = [
  ...[serveHealth, serveDocument, servePlans, serveRuns, serveChanges, serveHistory],
  ...[serveArtifacts, serveTasks, serveSchedules, serveWork, serveAccess, serveOperations],
  ...[serveWebhooks, serveEvents, serveStreams, serveMcp],
];

/** Throws PlanInvalidError where an offered plan is. */
export function createHttpApp(orchestrator: Orchestrator, options: HttpOptions = {}): Hono {
  const { tokens = 'optional', refusals = DEFAULT_REFUSALS } = options;
  const { rate = rateOf(DEFAULT_RATE), tenantRate = rateOf(DEFAULT_TENANT_RATE) } = options;
  const closing = options.closing ?? new AbortController().signal;
  const refused = new RateLimit(refusals);
  const scope: HttpScope = {
    orchestrator,
    catalog: new PlanCatalog(options.plans ?? {}, orchestrator),
    host: orchestrator,
    access: orchestrator.access,
    audit: orchestrator.audit,
    links: orchestrator.links,
    needsTokens: tokens === 'required',
    refused,
    heartbeatMs: options.heartbeatMs ?? 15_000,
    closing,
    streams: new OpenStreams(options.maxStreams, options.maxAllStreams),
    isDraining: () => options.isDraining?.() ?? false,
    metrics: new ServedMetrics(orchestrator, options.metrics),
    agents: new McpEndpoint({
      version: readVersion(),
      closing,
      onInternalError: (error) => options.onInternalError?.(error),
    }),
  };
  const app = new OpenAPIHono<RouteEnv>();
  app.use(measure(scope.metrics));
  app.use(tokens === 'required' ? sameOriginOnly : loopbackOnly);
  const server = new AppRoutes({
    app,
    guards: [guard(orchestrator, { tokens, rate, tenantRate, refused })],
    scope,
    scopeFor: (session) => viewedScope(scope, orchestrator, session),
  });
  for (const resource of RESOURCES) server.add(resource);
  server.refuseOtherMethods();
  app.notFound((context) =>
    sendProblem(context, new RequestError('route-unknown', `There is no ${context.req.path}.`)),
  );
  app.onError((error, context) => {
    if (toProblem(error).status >= 500) options.onInternalError?.(error);
    return sendProblem(context, error);
  });
  return app as unknown as Hono;
}
