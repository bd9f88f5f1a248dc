import { artifactApi } from '../api/artifacts.js';
import { piecewise } from '../piecewise.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** What runs have produced: a list without large payloads, and one artifact with its payload. */
export function serveArtifacts(server: RouteServer, scope: HttpScope): void {
  const { runs } = scope.orchestrator;
  server.serve(artifactApi, {
    listArtifacts: async ({ params, query }) => ({
      artifacts: await runs.artifacts(params.id, query),
    }),
    getArtifact: ({ params, query }) => runs.artifact(params.id, params.name, query.version),
    getArtifactPayload: ({ context, params: { id, name }, query }) =>
      piecewise(context, scope, runs.artifactText(id, name, query.version), {
        'content-type': 'application/json',
      }),
  });
}
