import type { Hono } from 'hono';
import { parseCount, pathPart } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

/** What runs have produced: a list without large payloads, and one artifact with its payload. */
export function addArtifacts(app: Hono, { orchestrator }: HttpScope): void {
  const { runs } = orchestrator;
  resource(app, '/runs/:id/artifacts', {
    GET: async (context) =>
      context.json({ artifacts: await runs.artifacts(pathPart(context, 'id')) }),
  });
  resource(app, '/runs/:id/artifacts/:name', {
    async GET(context) {
      const text = context.req.query('version');
      const version = text === undefined ? undefined : parseCount('version', text, 1);
      const artifact = await runs.artifact(
        pathPart(context, 'id'),
        pathPart(context, 'name'),
        version,
      );
      return context.json(artifact);
    },
  });
}
