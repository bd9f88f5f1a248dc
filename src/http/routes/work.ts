import { workApi } from '../api/work.js';
import { requireJson, untilBroken } from '../read-body.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';
import { waitingAnswer } from '../waiting-answer.js';

/** What external workers claim, and what they say of it. A claim and a heartbeat may wait for their answer. */
export function serveWork(server: RouteServer, scope: HttpScope): void {
  const { work } = scope.orchestrator;
  server.serve(workApi, {
    listOffers: () => ({ offers: work.offers() }),
    claimWork: async ({ context, body, keyed }) => ({
      claims: await waitingAnswer(context, scope, body.waitMs, (waitMs, signal) =>
        work.claim({ ...body, ...keyed, waitMs, signal }),
      ),
    }),
    heartbeatWork: ({ context, body: { token, ...beat } }) =>
      waitingAnswer(context, scope, beat.waitMs, (waitMs, signal) =>
        work.heartbeat(token, { ...beat, waitMs, signal }),
      ),
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
