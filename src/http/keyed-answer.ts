/**
 * Answers to requests that name themselves with the header Idempotency-Key. Invariants: 1. the same request
 * with its key gets the status and the body that it got, refusals too, and does nothing more; 2. another one
 * with the key is refused; 3. what may succeed later without a change is not kept. A key belongs to the principal,
 * the method and the path that it came with; a run knows it for one call. 4. no secret of an answer is kept: given
 * again it is without.
 */
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { RunchartError } from '../errors.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import { Reply } from './reply.js';
import type { Route, RouteEnv } from './route-spec.js';

const MAX_KEY_LENGTH = 256;

/** Says in an answer that it is one given before. */
export const REPLAYED = 'Idempotency-Replayed';

/** Where answers are kept: an orchestrator. */
export interface KeptAnswers {
  once<Answer extends JsonValue>(
    key: string,
    asked: JsonValue,
    work: () => Promise<Answer>,
  ): Promise<Answer>;
}

/** Whether a route does what must not be done twice, and gives what may be kept. */
export function isKeyed(
  route: Pick<Route, 'method' | 'role' | 'answer' | 'isIdempotent'>,
): boolean {
  const { method, role, answer, isIdempotent } = route;
  if (isIdempotent === true) return false;
  return method === 'post' && role !== 'reader' && answer !== undefined;
}

/** The key of a request. Throws `argument-invalid`. */
export function readKey(context: Context): string | undefined {
  const key = context.req.header('idempotency-key');
  if (key === undefined || (key !== '' && key.length <= MAX_KEY_LENGTH)) return key;
  const message = `Idempotency-Key has 1 to ${MAX_KEY_LENGTH} characters`;
  throw new RunchartError('argument-invalid', message);
}

/** What `work` replies, or what the same request was answered. Rejects with `idempotency-key-reused`, and as the work does. */
export async function answeredOnce(
  context: Context<RouteEnv>,
  answers: KeptAnswers,
  { key, asked }: { readonly key: string; readonly asked: object },
  work: () => Promise<Reply<unknown>>,
): Promise<Reply<unknown>> {
  let isReplayed = false;
  let isNew = false;
  let fresh: Reply<unknown> | undefined;
  const { secrets = [] } = context.get('route');
  const kept = async () => {
    isNew = true;
    fresh = await work();
    const { answer, status, location } = fresh;
    return plain({ answer: without(answer as object, secrets), status, location });
  };
  try {
    const found = await answers.once(nameOf(context, key), plain(asked), kept);
    if (fresh !== undefined) return fresh;
    isReplayed = true;
    const { answer, status, location } = found as { status: number } & JsonObject;
    return new Reply(answer, status, location as string | undefined);
  } catch (error) {
    if (isReused(error)) throw reused(key);
    // Only refusals that would stay so are kept.
    isReplayed = !isNew && error instanceof RunchartError && !error.retryable;
    throw error;
  } finally {
    if (isReplayed) context.header(REPLAYED, 'true');
  }
}

/** A key of one principal is nothing to others. */
function nameOf(context: Context<RouteEnv>, key: string): string {
  const { method, path } = context.req;
  const session = context.get('session');
  const who = session === undefined ? null : [session.tenant, session.principal.name];
  const name = createHash('sha256').update(JSON.stringify([method, path, who, key]));
  return `http:${name.digest('base64url')}`;
}

function without(answer: object, secrets: readonly string[]): object {
  return Object.fromEntries(Object.entries(answer).filter(([name]) => !secrets.includes(name)));
}

function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

function isReused(error: unknown): boolean {
  return error instanceof RunchartError && error.code === 'idempotency-key-reused';
}

function reused(key: string): RunchartError {
  const message = `the idempotency key "${key}" was used for another request`;
  const hint = 'make up a new key for each new request, and repeat a request as it was';
  return new RunchartError('idempotency-key-reused', message, { hint });
}
