import type { Hono } from 'hono';
import { parseCount, pathPart } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

/** What a run was, made again from its log, and whether what is stored of it is whole. */
export function addHistory(app: Hono, { orchestrator }: HttpScope): void {
  const { runs } = orchestrator;
  resource(app, '/runs/:id/replay', {
    async GET(context) {
      const at = context.req.query('at');
      const options = at === undefined ? {} : { to: parseCount('at', at, 1) };
      return context.json(await runs.replay(pathPart(context, 'id'), options));
    },
  });
  resource(app, '/runs/:id/verify', {
    GET: async (context) => context.json(await runs.verify(pathPart(context, 'id'))),
  });
}
