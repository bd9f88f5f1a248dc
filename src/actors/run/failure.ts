/** Classified failures. */
import type { Failure } from '../../machines/node-run-events.js';

/** Longest message of a failure that is kept, in characters. */
const MESSAGE_LIMIT = 2_000;

/** A classified failure, its texts made safe to store. */
export function failure(
  failureClass: string,
  code: string,
  message: string,
  retryable: boolean,
): Failure {
  const text = message.replaceAll('\u0000', '\uFFFD').toWellFormed().slice(0, MESSAGE_LIMIT);
  return { class: failureClass, code, message: text, retryable };
}
