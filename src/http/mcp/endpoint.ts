/** Where agents reach the server. What they need is loaded when the first one comes: nobody else pays for it. */
import type { Context } from 'hono';
import type { JsonObject } from '../../plan/json.js';
import type { AgentCaller, McpOptions } from './options.js';
import type { McpSessions } from './sessions.js';

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
