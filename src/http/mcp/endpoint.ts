/** Where agents reach the server. What they need is loaded when the first one comes: nobody else pays for it. */
import type { Context } from 'hono';
import type { Caller } from '../../mcp/tool.js';
import type { JsonObject } from '../../plan/json.js';
import type { McpSessions } from './sessions.js';

export interface McpOptions {
  /** Of the program. */
  readonly version: string;
  /** Sessions at the same time; 100 unless given. */
  readonly maxSessions?: number;
  /** Silence after which a session ends, in milliseconds; an hour unless given. */
  readonly idleMs?: number;
  /** Ends all sessions. */
  readonly closing: AbortSignal;
  /** Milliseconds; only differences count. */
  now?(): number;
  onInternalError(error: unknown): void;
}

/** Who talks, and what the tools do it on. */
export interface AgentCaller extends Omit<Caller, 'by'> {
  /** Whose the session is: nobody else may go on with it. */
  readonly owner: string;
}

export class McpEndpoint {
  readonly #options: McpOptions;
  #sessions: Promise<McpSessions> | undefined;

  constructor(options: McpOptions) {
    this.#options = options;
  }

  /** `message` is the body of a POST. Rejects with `session-unknown`, `argument-invalid`, `overloaded`, `closing`. */
  async answer(context: Context, caller: AgentCaller, message?: JsonObject): Promise<Response> {
    this.#sessions ??= import('./sessions.js').then((part) => new part.McpSessions(this.#options));
    return (await this.#sessions).answer(context, caller, message);
  }
}
