/**
 * What an application puts around its handlers. Invariant: the first in the list is the outermost, and
 * whatever one of them throws is the handler's failure.
 */
import { RunchartError } from '../errors.js';
import type { HandlerContext, HandlerFunction } from './handlers.js';

/** One call of a handler: the same object to `before`, `around` and `after` of one middleware. */
export interface HandlerCall<Services = unknown> {
  /** Key of the handler, as the plan names it. */
  readonly handler: string;
  readonly input: unknown;
  /** Names run, node and attempt, and has the signal and the services. */
  readonly context: HandlerContext<Services>;
}

/** How the call ended, inside of the middleware that is told. */
export type CallOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

/** What lies around every handler of a process; see docs/handlers.md. */
export interface Middleware<Services = unknown> {
  /** Before anything further inside; where it throws nothing inside is called, and no `after` of its own. */
  before?(call: HandlerCall<Services>): unknown;
  /** In place of what lies inside, which `next` calls, with another input if one is given; its value is the result. */
  around?(
    call: HandlerCall<Services>,
    next: (...input: readonly [input?: unknown]) => Promise<unknown>,
  ): unknown;
  /** When all inside has ended, however it did. */
  after?(call: HandlerCall<Services>, outcome: CallOutcome): unknown;
}

const PARTS = ['before', 'around', 'after'] as const;

/** Throws a RunchartError `argument-invalid` on what is no list of middleware. */
export function assertMiddleware(list: unknown): asserts list is readonly Middleware[] {
  if (!Array.isArray(list)) throw new RunchartError('argument-invalid', 'middleware is a list');
  list.forEach((one: unknown, place) => {
    const parts = PARTS.map((part) => (one as Middleware | null | undefined)?.[part]);
    const given = parts.filter((part) => part !== undefined);
    if (given.length > 0 && given.every((part) => typeof part === 'function')) return;
    const message = `middleware[${place}] is no object with a function \`before\`, \`around\` or \`after\``;
    throw new RunchartError('argument-invalid', message);
  });
}

/** The handler with all of the middleware around it; itself where there is none. */
export function withMiddleware(
  key: string,
  handler: HandlerFunction,
  middleware: readonly Middleware[],
): HandlerFunction {
  return middleware.reduceRight(
    (inner, outer) => (input, context) => enter(outer, { handler: key, input, context }, inner),
    handler,
  );
}

async function enter(
  middleware: Middleware,
  call: HandlerCall,
  inner: HandlerFunction,
): Promise<unknown> {
  const next = (...given: readonly [input?: unknown]) => {
    const inside = (async () => inner(given.length === 0 ? call.input : given[0], call.context))();
    // What fails inside where `around` does not wait for it is nobody's, and harms nobody.
    inside.catch(() => {});
    return inside;
  };
  await middleware.before?.(call);
  const outcome = await settle(() =>
    middleware.around === undefined ? next() : middleware.around(call, next),
  );
  await middleware.after?.(call, outcome);
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}

async function settle(work: () => unknown): Promise<CallOutcome> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error };
  }
}
