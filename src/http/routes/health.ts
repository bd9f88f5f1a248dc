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
      const health = host.health();
      // Where not everybody may know everything, nobody is told how busy others are.
      const answer = needsTokens ? { status: health.status } : health;
      return new Reply(answer, health.status === 'ok' ? 200 : 503);
    },
    getLiveness: () => ({ status: 'ok' as const }),
    getReadiness() {
      const isStopping = closing.aborted || isDraining();
      const status = isStopping ? 'closing' : host.health().status;
      return new Reply({ status }, status === 'ok' ? 200 : 503);
    },
  });
}
