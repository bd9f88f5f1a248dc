import type { Context } from 'hono';
import type { Keyed } from '../../keyed.js';
import type { JsonObject } from '../../plan/json.js';
import { ownMetadata } from '../../reserved-metadata.js';
import { traceFromHeaders } from '../../start-options.js';
import { runApi } from '../api/runs.js';
import { eventsOf } from '../events-answer.js';
import { mermaid } from '../mermaid.js';
import { namedPlan } from '../named-plan.js';
import { made } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { Incoming, RouteServer } from '../serve-routes.js';

/** Runs: start, list, read, cancel, pause, resume, step, signal, retry. */
export function serveRuns(server: RouteServer, scope: HttpScope): void {
  const { orchestrator } = scope;
  const { runs } = orchestrator;
  /** Does something to a run, and shows it afterwards. */
  const summaryAfter = async (id: string, change: Promise<void>) => {
    await change;
    return runs.summary(id);
  };
  server.serve(runApi, {
    startRun: ({ context, body, keyed }) => startRun(scope, { ...body, ...keyed }, context),
    listRuns: async ({ query }) => ({ runs: await runs.list(query) }),
    getRun: ({ params: { id }, query: { include } }) =>
      include === undefined ? runs.details(id) : runs.snapshot(id, include),
    getRunResult: ({ params }) => runs.result(params.id),
    async getRunPlan({ params }) {
      const { plan } = await runs.summary(params.id);
      return (await runs.plan(plan)) as unknown as JsonObject;
    },
    getRunDiagram: async ({ context, params }) => mermaid(context, await runs.diagram(params.id)),
    cancelRun: ({ params, body, keyed }) => orchestrator.cancel(params.id, { ...body, ...keyed }),
    pauseRun: ({ params: { id }, keyed }) => summaryAfter(id, orchestrator.pause(id, keyed)),
    resumeRun: ({ params: { id }, keyed }) => summaryAfter(id, orchestrator.resume(id, keyed)),
    stepRun: ({ params: { id }, keyed }) => summaryAfter(id, orchestrator.step(id, keyed)),
    annotateRun: ({ params, body: { metadata, ...by }, keyed }) =>
      orchestrator.annotate(params.id, metadata, { ...by, ...keyed }),
    async signalRun({ params, body: { name, ...options }, keyed }) {
      const signalled = await orchestrator.signal(params.id, name, { ...options, ...keyed });
      return made(signalled, signalled.isNew);
    },
    retryNode: ({ params: { id }, body: { node, ...by }, keyed }) =>
      summaryAfter(id, orchestrator.retryNode(id, node, { ...by, ...keyed })),
    async retryRun({ params, body, keyed }) {
      const run = await orchestrator.change.retry(params.id, { ...body, ...keyed });
      return made(run, run.created, `/runs/${encodeURIComponent(run.id)}`);
    },
    explainNode: ({ params, query }) => runs.why(params.id, query.node),
    listNodeRuns: async ({ params, query }) => ({ nodes: await runs.nodeRuns(params.id, query) }),
    listAttempts: async ({ params, query: { node, ...page } }) => ({
      attempts: await runs.attempts(params.id, node, page),
    }),
    listCheckpoints: async ({ params, query: { after, limit } }) => ({
      checkpoints: await runs.checkpoints(params.id, after, limit),
    }),
    listSignals: async ({ params, query }) => ({ signals: await runs.signals(params.id, query) }),
    listChanges: async ({ params, query: { after, limit } }) => ({
      changes: await runs.changes(params.id, after, limit),
    }),
    listEvents: (incoming) => eventsOf(incoming, scope),
  });
}

/** 201 for a new run, 200 for one that exists with the same plan and input. */
async function startRun(
  scope: HttpScope,
  { plan, metadata, ...options }: Incoming<typeof runApi.startRun>['body'] & Keyed,
  { req }: Context,
) {
  const { orchestrator, catalog } = scope;
  const trace = traceFromHeaders(req.header('traceparent'), req.header('tracestate'));
  const handle = await orchestrator.start(await namedPlan(scope, plan), {
    ...options,
    ...(trace && { trace }),
    metadata: { ...ownMetadata(metadata), ...catalog.find(plan)?.metadata },
  });
  const location = `/runs/${encodeURIComponent(handle.id)}`;
  return made(await orchestrator.runs.summary(handle.id), handle.created, location);
}
