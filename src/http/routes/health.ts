import type { Hono } from 'hono';
import { resource } from '../resource.js';
import type { HttpScope } from '../scope.js';

/** Whether this process can make decisions durable. */
export function addHealth(app: Hono, { orchestrator }: HttpScope): void {
  resource(app, '/health', {
    GET(context) {
      const health = orchestrator.health();
      return context.json({ ...health }, health.status === 'ok' ? 200 : 503);
    },
  });
}
