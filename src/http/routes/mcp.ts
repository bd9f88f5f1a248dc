import type { Context } from 'hono';
import { holdsRole } from '../../access/roles.js';
import type { JsonObject } from '../../plan/json.js';
import { mcpApi } from '../api/mcp.js';
import type { AgentCaller } from '../mcp/options.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** Agents: what each tool does it does as a route would, on what the request sees. */
export function serveMcp(
  server: RouteServer,
  { agents, orchestrator, catalog, session }: HttpScope,
): void {
  const caller: AgentCaller = {
    owner: '',
    host: orchestrator,
    plans: catalog,
    ...(session && {
      owner: `${session.tenant}~${session.principal.name}`,
      by: session.principal.name,
      mayCall: (role) => holdsRole(session, role),
    }),
  };
  const answer = ({ context, body }: { readonly context: Context; readonly body?: unknown }) =>
    agents.answer(context, caller, body as JsonObject | undefined);
  server.serve(mcpApi, { tellMcp: answer, hearMcp: answer, endMcp: answer });
}
