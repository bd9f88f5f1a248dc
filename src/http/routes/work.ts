import type { Context } from 'hono';
import { workApi } from '../api/work.js';
import { requireJson, untilBroken } from '../read-body.js';
import type { RouteEnv } from '../route-spec.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** What external workers claim, and what they say of it. A claim and a heartbeat may wait for their answer. */
export function serveWork(server: RouteServer, scope: HttpScope): void {
  const { closing, orchestrator } = scope;
  const { work } = orchestrator;
  const gone = (context: Context<RouteEnv>) => AbortSignal.any([context.req.raw.signal, closing]);
  server.serve(workApi, {
    listOffers: () => ({ offers: work.offers() }),
    claimWork: async ({ context, body, keyed }) => ({
      claims: await work.claim({ ...body, ...keyed, signal: gone(context) }),
    }),
    heartbeatWork: ({ context, body: { token, ...beat } }) =>
      work.heartbeat(token, { ...beat, signal: gone(context) }),
    reportProgress: ({ body }) => work.progress(body.token, body.progress),
    async uploadPayload({ context, query }) {
      requireJson(context.req.header('content-type') ?? '');
      return work.upload(query.token, untilBroken(context.req.raw.body ?? []));
    },
    completeWork: ({ body }) => work.complete(body.token, body.result),
    failWork: ({ body }) => work.fail(body.token, body.error),
    releaseWork: ({ body }) => work.release(body.token),
  });
}
