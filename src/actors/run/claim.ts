/** What a worker asks for in a turn, and what it is given. */
import { parseHandlerReference } from '../../plan/handler-reference.js';
import type { JsonValue } from '../../plan/json.js';
import type { ExternalHandler } from '../external-handler.js';
import type { AttemptName, Capability, WorkClaimMessage } from '../messages.js';
import type { Round, TraceContext } from '../records.js';

/** An attempt as its worker gets it. */
export interface ClaimedAttempt extends AttemptName {
  /** Names the claim. */
  readonly lease: string;
  readonly run: string;
  /** `run/node/generation/attempt`: names this attempt, and no other. */
  readonly key: string;
  /** Key of the handler, as the plan names it. */
  readonly handler: string;
  readonly capability: string;
  readonly input: JsonValue | undefined;
  readonly isLastTry: boolean;
  readonly lastHeartbeat: JsonValue | undefined;
  readonly feedback: readonly Round[];
  /** The trace that the run belongs to, to be handed on. */
  readonly trace?: TraceContext;
  readonly leaseMs: number;
  /** When the lease ends unless it is extended, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** When the attempt has taken too long, whatever its lease; null where that is not limited. */
  readonly deadlineAt: number | null;
}

/** What a worker is to a handler: it has the capability in another version, in the one that is asked for, or not. */
export type Fit = 'none' | 'other-version' | 'fits';

export class Claim {
  readonly worker: string;
  /** Names the call, where it has an idempotency key. */
  readonly name: string | undefined;
  readonly granted: ClaimedAttempt[] = [];
  readonly #limit: number;
  readonly #capabilities: readonly Capability[];

  constructor({ worker, capabilities, limit, claim }: WorkClaimMessage) {
    this.worker = worker;
    this.name = claim;
    this.#limit = limit;
    this.#capabilities = capabilities;
  }

  get isSatisfied(): boolean {
    return this.granted.length >= this.#limit;
  }

  /** Whether the worker has what a handler asks for. */
  fitOf(reference: string, { capability }: ExternalHandler): Fit {
    return fitOf(this.#capabilities, reference, capability);
  }

  /** The versions in which the worker has a capability. */
  versionsOf(name: string): readonly string[] {
    return this.#capabilities.flatMap((one) =>
      one.name === name && one.version !== undefined ? [one.version] : [],
    );
  }
}

/** Whether whoever has these capabilities has that of a handler; it is the handler's key unless named. */
export function fitOf(
  capabilities: readonly Capability[],
  reference: string,
  capability: string | undefined,
): Fit {
  const { key, version } = parseHandlerReference(reference);
  const named = capabilities.filter(({ name }) => name === (capability ?? key));
  if (named.length === 0) return 'none';
  const isThere = version === undefined || named.some((one) => one.version === version);
  return isThere ? 'fits' : 'other-version';
}
