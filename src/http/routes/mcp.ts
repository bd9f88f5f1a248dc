import type { Context } from 'hono';
import type { JsonObject } from '../../plan/json.js';
import { mcpApi } from '../api/mcp.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** Agents: what each tool does it does as a route would, on what the request sees. */
export function serveMcp(server: RouteServer, { agents, orchestrator, catalog }: HttpScope): void {
  const caller = { owner: '', host: orchestrator, plans: catalog };
  const answer = ({ context, body }: { readonly context: Context; readonly body?: unknown }) =>
    agents.answer(context, caller, body as JsonObject | undefined);
  server.serve(mcpApi, { tellMcp: answer, hearMcp: answer, endMcp: answer });
}
