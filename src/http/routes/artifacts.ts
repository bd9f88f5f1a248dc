import type { Hono } from 'hono';
import { parseCount, pathPart, queryCount } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

/** What runs have produced: a list without large payloads, and one artifact with its payload. */
export function addArtifacts(app: Hono, { orchestrator }: HttpScope): void {
  const { runs } = orchestrator;
  resource(app, '/runs/:id/artifacts', {
    async GET(context) {
      const after = readAfter(context.req.query('after'));
      const limit = queryCount(context, 'limit', { min: 1, otherwise: 1_000 });
      const page = await runs.artifacts(pathPart(context, 'id'), {
        limit,
        ...(after !== undefined && { after }),
      });
      return context.json({ artifacts: page });
    },
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

/** `NAME/VERSION`: a name may have slashes of its own. */
function readAfter(text: string | undefined): { name: string; version: number } | undefined {
  if (text === undefined) return undefined;
  const end = text.lastIndexOf('/');
  return { name: text.slice(0, end), version: parseCount('after', text.slice(end + 1), 1) };
}
