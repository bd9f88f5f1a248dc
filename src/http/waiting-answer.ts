/** Answers that wait for something to happen, and hold a connection meanwhile. */
import type { Context } from 'hono';
import { RequestError } from './problem.js';
import type { RouteEnv } from './route-spec.js';
import type { HttpScope } from './scope.js';
import { cutOff, ownerOf } from './stream-answer.js';

type Parts = Pick<HttpScope, 'streams' | 'closing'>;

/**
 * What `answer` gives, which may wait for so many milliseconds: for none where connections are scarce and its tenant
 * holds most of them. The signal ends the wait.
 */
export async function waitingAnswer<T>(
  context: Context<RouteEnv>,
  { streams, closing }: Parts,
  waitMs: number | undefined,
  answer: (waitMs: number | undefined, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const early = new AbortController();
  const signal = AbortSignal.any([context.req.raw.signal, closing, early.signal]);
  if (waitMs === undefined || waitMs === 0) return answer(waitMs, signal);
  const leave = streams.hold(ownerOf(context), () => early.abort());
  try {
    return await answer(leave === undefined ? 0 : waitMs, signal);
  } finally {
    leave?.();
  }
}

/**
 * The same for what says itself how long it waits: where connections are scarce it is refused with `too-many-streams`,
 * or cut off.
 */
export async function heldAnswer<T>(
  context: Context<RouteEnv>,
  { streams }: Parts,
  answer: () => Promise<T>,
): Promise<T> {
  const leave = streams.hold(ownerOf(context), () => cutOff(context));
  if (leave === undefined) {
    const message = 'Too many connections of this tenant are in use.';
    throw new RequestError('too-many-streams', message, 'Come again later.');
  }
  try {
    return await answer();
  } finally {
    leave();
  }
}
