import { allEventsOf } from '../all-events-answer.js';
import { eventApi } from '../api/events.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** The events of all runs. */
export function serveEvents(server: RouteServer, scope: HttpScope): void {
  server.serve(eventApi, { listAllEvents: (incoming) => allEventsOf(incoming, scope) });
}
