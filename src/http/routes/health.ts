import type { Health } from '../../orchestrator.js';
import { healthApi } from '../api/health.js';
import { Reply } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** Whether this process can make decisions durable, answers at all, and takes requests. */
export function serveHealth(
  server: RouteServer,
  { host, closing, isDraining, needsTokens }: HttpScope,
): void {
  server.serve(healthApi, {
    getHealth() {
      const health = needsTokens ? discreet(host.health()) : host.health();
      return new Reply(health, health.status === 'ok' ? 200 : 503);
    },
    getLiveness: () => ({ status: 'ok' as const }),
    getReadiness() {
      const isStopping = closing.aborted || isDraining();
      const status = isStopping ? 'closing' : host.health().status;
      return new Reply({ status }, status === 'ok' ? 200 : 503);
    },
  });
}

/** What everybody may know where not everybody may know everything. */
function discreet({ status, journalQueue, supervisor }: Health): Health {
  const { admission, stopped: _, ...counts } = supervisor;
  return {
    status,
    journalQueue,
    supervisor: {
      ...counts,
      obstructedRuns: [],
      admission: { ...admission, handlers: [] },
      stopped: undefined,
    },
  };
}
