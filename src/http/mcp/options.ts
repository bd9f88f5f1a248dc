/** What the endpoint of agents is put together with, and who talks to it. */
import type { Caller } from '../../mcp/tool.js';

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
  /** Who asks, where that is known. */
  readonly by?: string;
  /** Whose the session is: nobody else may go on with it. */
  readonly owner: string;
  /** The tenant that he is of. */
  readonly tenant: string;
}
