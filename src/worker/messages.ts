/** What a worker and the server say to each other, as JSON. */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

export interface Capability {
  readonly name: string;
  readonly version?: string;
}

/** An attempt that the worker has claimed. */
export interface ClaimedWork {
  readonly token: string;
  readonly run: string;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
  /** `run/node/generation/attempt`: names this attempt, and no other. */
  readonly key: string;
  /** `run/node/generation`: the same for all attempts, for whatever the worker calls. */
  readonly idempotencyKey: string;
  /** Key of the handler, as the plan names it. */
  readonly handler: string;
  readonly capability: string;
  readonly input?: Json;
  readonly isLastTry: boolean;
  readonly lastHeartbeat?: Json;
  readonly feedback: readonly Json[];
  /** The trace that the run belongs to, as the headers of W3C Trace Context. */
  readonly trace?: { readonly traceparent: string; readonly tracestate?: string };
  readonly leaseMs: number;
  readonly expiresAt: number;
  readonly deadlineAt: number | null;
}

export interface LeaseState {
  readonly expiresAt: number;
  readonly isCancelled: boolean;
}

/** A payload that was uploaded ahead of its result. */
export interface KeptPayload {
  readonly pointer: string;
  /** Names it among the artifacts of the result, in place of a payload. */
  readonly digest: string;
  readonly bytes: number;
}

/** Why a worker could not do its work. */
export interface WorkError {
  readonly message: string;
  readonly code?: string;
  readonly class?: string;
  readonly retryable?: boolean;
}
