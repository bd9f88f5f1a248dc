/**
 * Calls that name themselves with an idempotency key. Invariants: 1. the answer is stored in the turn that
 * the call caused; 2. the same call under its key is answered as before and does nothing; 3. another call
 * under the key is refused with `idempotency-key-reused`.
 */
import { createHash } from 'node:crypto';
import { type ErrorCode, type ErrorDetails, RunchartError } from '../errors.js';
import { canonicalJson } from '../plan/canonical.js';
import type { JsonValue } from '../plan/json.js';
import { isName, MAX_NAME_LENGTH } from '../plan/name.js';
import type { RunMessage } from './messages.js';
import type { IdempotencyKeyRecord } from './records.js';

export interface KeyedCall {
  readonly key: string;
  /** Tells the call from others. */
  readonly digest: string;
}

export type Outcome = { readonly reply: unknown } | { readonly error: RunchartError };

/** As it is stored. */
type Answer =
  | { readonly reply: JsonValue }
  | {
      readonly error: Omit<ErrorDetails, 'cause'> & {
        readonly code: ErrorCode;
        readonly message: string;
      };
    };

/** Names a call by what it asks for. Throws `argument-invalid` where this is no key. */
export function keyedCall(key: string, asked: JsonValue): KeyedCall {
  assertKey(key);
  return { key, digest: createHash('sha256').update(canonicalJson(asked)).digest('base64url') };
}

/** Names the call that a message is. */
export function messageCall(key: string, message: RunMessage): KeyedCall {
  assertKey(key);
  const asked =
    message.type === 'run.replan' ? { ...message, version: message.version.hash } : message;
  return keyedCall(key, JSON.parse(JSON.stringify(asked, listed)) as JsonValue);
}

function assertKey(key: string): void {
  if (isName(key)) return;
  const message = `an idempotency key has 1 to ${MAX_NAME_LENGTH} characters`;
  throw new RunchartError('argument-invalid', message);
}

function listed(_: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}

/** The id of what a call makes, where its caller names none: the same call makes the same. Throws as `keyedCall`. */
export function idOfKey(key: string): string {
  assertKey(key);
  const hex = createHash('sha256').update(key).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return [...parts, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

export function keptAnswer(
  run: number,
  { key, digest }: KeyedCall,
  outcome: Outcome,
  at: number,
): IdempotencyKeyRecord {
  return { run, key, digest, answerJson: JSON.stringify(toAnswer(outcome)), at };
}

function toAnswer(outcome: Outcome): Answer {
  if ('reply' in outcome) return { reply: (outcome.reply ?? null) as JsonValue };
  const { code, message, hint, issues, data } = outcome.error;
  return {
    error: {
      code,
      message,
      ...(hint !== undefined && { hint }),
      ...(issues !== undefined && { issues }),
      ...(data !== undefined && { data }),
    },
  };
}

/** What a call is answered whose key is known already. */
export function answerAgain(
  { key, digest, answerJson }: IdempotencyKeyRecord,
  call: KeyedCall,
): Outcome {
  if (digest !== call.digest) return { error: reused(key) };
  const answer = JSON.parse(answerJson) as Answer;
  if ('reply' in answer) return answer;
  const { code, message, ...details } = answer.error;
  return { error: new RunchartError(code, message, details) };
}

function reused(key: string): RunchartError {
  const message = `the idempotency key "${key}" was used for another call`;
  const hint = 'make up a new key for each new call, and repeat a call as it was';
  return new RunchartError('idempotency-key-reused', message, { hint });
}
