import type { Hono } from 'hono';
import { planToMermaid } from '../../plan/diagram.js';
import { mermaid } from '../mermaid.js';
import { pathPart } from '../read-query.js';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

/** The plans that the server offers. */
export function addPlans(app: Hono, { catalog }: HttpScope): void {
  resource(app, '/plans', {
    GET: (context) =>
      context.json({
        plans: catalog.list().map(({ name, version }) => ({
          name,
          title: version.plan.title,
          hash: version.hash,
        })),
      }),
  });
  resource(app, '/plans/:name', {
    GET: (context) => context.json(catalog.get(pathPart(context, 'name')).version.plan),
  });
  resource(app, '/plans/:name/diagram', {
    GET: (context) =>
      mermaid(context, planToMermaid(catalog.get(pathPart(context, 'name')).version.plan)),
  });
}
