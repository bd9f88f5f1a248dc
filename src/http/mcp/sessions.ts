/**
 * Conversations with agents over streamable HTTP. Invariants: 1. there are at most so many; where there is no
 * room the one that was longest silent ends, of the tenant that has most, unless it is answering; 2. a session is its owner's alone;
 * 3. every request is answered, those that the client gives up and those of a session that ends too.
 */
import { randomUUID } from 'node:crypto';
import { StreamableHTTPTransport } from '@hono/mcp';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { RunchartError } from '../../errors.js';
import { createMcpServer } from '../../mcp/mcp-server.js';
import type { Caller } from '../../mcp/tool.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../plan/json.js';
import { RequestError } from '../problem.js';
import type { AgentCaller, McpOptions } from './options.js';

const MAX_SESSIONS = 100;
/** Silence after which a session ends, in milliseconds. */
const IDLE_MS = 3_600_000;

interface Session {
  readonly transport: StreamableHTTPTransport;
  readonly server: Server;
  readonly owner: string;
  readonly tenant: string;
  /** Requests that are being answered, by id, and what answers each where the session does not. */
  readonly pending: Map<JsonValue, Instead>;
  usedAt: number;
}

interface Instead {
  resolve(response: Response): void;
  reject(error: Error): void;
}

export class McpSessions {
  readonly #options: McpOptions;
  /** By id, the longest silent one first. */
  readonly #sessions = new Map<string, Session>();

  constructor(options: McpOptions) {
    this.#options = options;
    options.closing.addEventListener('abort', () => void this.#endAll());
  }

  /** `message` is the body of a POST. Rejects with `session-unknown`, `argument-invalid`, `overloaded`, `closing`. */
  async answer(context: Context, caller: AgentCaller, message?: JsonObject): Promise<Response> {
    await this.#endSilent();
    const id = context.req.header('mcp-session-id');
    const session = await (id === undefined
      ? this.#open(caller, message)
      : this.#find(id, caller.owner));
    context.set('auth', { token: '', clientId: caller.owner, scopes: [], extra: { caller } });
    try {
      return await answerIn(session, context, message);
    } catch (error) {
      throw error instanceof HTTPException ? await refusalOf(error) : error;
    } finally {
      // What was to begin it was refused.
      if (session.transport.sessionId === undefined) await session.server.close();
    }
  }

  #find(id: string, owner: string): Session {
    const session = this.#sessions.get(id);
    if (session?.owner !== owner) throw unknownSession();
    session.usedAt = this.#now();
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    return session;
  }

  async #open({ owner, tenant }: AgentCaller, message: JsonObject | undefined): Promise<Session> {
    if (message?.method !== 'initialize') {
      throw new RunchartError(
        'argument-invalid',
        'a session begins with the request `initialize`',
        {
          hint: 'send its id as `mcp-session-id` with everything else',
        },
      );
    }
    if (this.#options.closing.aborted) throw new RunchartError('closing', 'the server is closing');
    await this.#makeRoom();
    const transport = new StreamableHTTPTransport({
      sessionIdGenerator: randomUUID,
      enableJsonResponse: true,
      onsessioninitialized: (id) => void this.#sessions.set(id, session),
      onsessionclosed: (id) => this.#end(id),
    });
    const server = createMcpServer({
      ...this.#options,
      callerOf: (carried) => (carried as { readonly caller: Omit<Caller, 'by'> }).caller,
    });
    const session: Session = {
      ...{ transport, server, owner, tenant, pending: new Map() },
      usedAt: this.#now(),
    };
    await server.connect(transport);
    return session;
  }

  async #makeRoom(): Promise<void> {
    if (this.#sessions.size < (this.#options.maxSessions ?? MAX_SESSIONS)) return;
    const silent = [...this.#sessions].filter(([, { pending }]) => pending.size === 0);
    const most = Math.max(...silent.map(([, { tenant }]) => this.#countOf(tenant)));
    const [id] = silent.find(([, { tenant }]) => this.#countOf(tenant) === most) ?? [];
    if (id !== undefined) return this.#end(id);
    throw new RunchartError('overloaded', 'too many agents are connected', {
      hint: 'end a session, or wait until one is silent',
    });
  }

  #countOf(wanted: string): number {
    return [...this.#sessions.values()].filter(({ tenant }) => tenant === wanted).length;
  }

  async #endSilent(): Promise<void> {
    const { idleMs = IDLE_MS } = this.#options;
    for (const [id, { usedAt, pending }] of this.#sessions) {
      if (this.#now() - usedAt <= idleMs) return;
      if (pending.size === 0) await this.#end(id);
    }
  }

  async #end(id: string): Promise<void> {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    for (const { reject } of session.pending.values()) reject(unknownSession());
    await session.server.close();
  }

  async #endAll(): Promise<void> {
    for (const id of [...this.#sessions.keys()]) await this.#end(id);
  }

  #now(): number {
    return this.#options.now?.() ?? performance.now();
  }
}

async function answerIn(
  { transport, pending }: Session,
  context: Context,
  message: JsonObject | undefined,
): Promise<Response> {
  const id = message?.method === undefined ? undefined : message.id;
  if (id === undefined) {
    const response = await transport.handleRequest(context, message);
    cancel(message, pending);
    if (context.req.method === 'GET' && response !== undefined) return response;
    return new Response(null, { status: context.req.method === 'DELETE' ? 204 : 202 });
  }
  if (pending.has(id)) {
    throw new RunchartError('argument-invalid', 'a request with this id is under way');
  }
  const instead = new Promise<Response>((resolve, reject) => pending.set(id, { resolve, reject }));
  try {
    const response = await Promise.race([transport.handleRequest(context, message), instead]);
    return response ?? new Response(null, { status: 202 });
  } finally {
    pending.delete(id);
  }
}

/** A request that its client gives up is answered by nobody else. */
function cancel(message: JsonObject | undefined, pending: Session['pending']): void {
  if (message?.method !== 'notifications/cancelled' || !isJsonObject(message.params)) return;
  const { requestId = null } = message.params;
  pending.get(requestId)?.resolve(new Response(null, { status: 202 }));
}

function unknownSession(): RequestError {
  const hint = 'Begin another one with the request `initialize`.';
  return new RequestError('session-unknown', 'There is no such session.', hint);
}

/** What the protocol's own checks refuse, as all other problems are told. */
async function refusalOf(error: HTTPException): Promise<Error> {
  if (error.status === 404) return unknownSession();
  const told = (await error.getResponse().json()) as { readonly error?: { message?: string } };
  return new RunchartError('argument-invalid', told.error?.message ?? 'this is no message');
}
