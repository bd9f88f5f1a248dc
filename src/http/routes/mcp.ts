import type { Context } from 'hono';
import { holdsRole } from '../../access/roles.js';
import { RoleRefused } from '../../mcp/answer.js';
import type { NotedCall } from '../../mcp/tool.js';
import type { JsonObject } from '../../plan/json.js';
import { addressOf } from '../access/guard.js';
import { mcpApi } from '../api/mcp.js';
import type { AgentCaller } from '../mcp/options.js';
import { toProblem } from '../problem.js';
import type { RouteEnv } from '../route-spec.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';
import { countedStream } from '../stream-answer.js';
import { heldAnswer } from '../waiting-answer.js';

/** Agents: what each tool does it does as a route would, on what the request sees. */
export function serveMcp(server: RouteServer, scope: HttpScope): void {
  const { agents, audit, orchestrator, catalog, session } = scope;
  const caller: AgentCaller = {
    owner: '',
    tenant: '',
    host: orchestrator,
    plans: catalog,
    ...(session && {
      tenant: session.tenant,
      owner: `${session.tenant}~${session.principal.name}`,
      by: session.principal.name,
      mayCall: (role) => holdsRole(session, role),
    }),
  };
  const answer = ({ context, body }: Told) => {
    const address = addressOf(context);
    const noteCall = ({ tool, run = '' }: NotedCall) => {
      const end = audit.begin({ session, address, action: `tool ${tool}`, target: run });
      return (error?: unknown) => void end(...outcomeOf(error));
    };
    return agents.answer(context, { ...caller, noteCall }, body as JsonObject | undefined);
  };
  server.serve(mcpApi, {
    tellMcp: (told) => heldAnswer(told.context, scope, () => answer(told)),
    hearMcp: (told) => countedStream(told.context, scope, () => answer(told)),
    endMcp: answer,
  });
}

interface Told {
  readonly context: Context<RouteEnv>;
  readonly body?: unknown;
}

/** Status and code of what a call came to, as those of a request. */
function outcomeOf(error: unknown): [status: number, code?: string] {
  if (error === undefined) return [200];
  if (error instanceof RoleRefused) return [403, 'role-refused'];
  const { status, code } = toProblem(error);
  return [status, code];
}
