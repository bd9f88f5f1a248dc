/** Arguments of the API as callers without types may give them: each throws `argument-invalid`. */
import { RunchartError } from './errors.js';

const MAX_TEXT_LENGTH = 1_024;
const MAX_REMARK_LENGTH = 2_000;

/** An id, a path or a name; what there is none of is for others to say. */
export function readText(value: string, what: string): string {
  if (typeof value === 'string' && value.length <= MAX_TEXT_LENGTH) return value;
  throw new RunchartError(
    'argument-invalid',
    `${what} is a text of at most ${MAX_TEXT_LENGTH} characters`,
  );
}

/** The same where it need not be given. */
export function readTextIfGiven(value: string | undefined, what: string): string | undefined {
  return value === undefined ? undefined : readText(value, what);
}

/** A number of something. */
export function readCount(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RunchartError('argument-invalid', `${what} is a whole number from 0 on`);
}

/** The same where it need not be given. */
export function readCountIfGiven(value: number | undefined, what: string): number | undefined {
  return value === undefined ? undefined : readCount(value, what);
}

/** A name or a reason that need not be given; null where it is not. */
export function readRemark(value: string | null | undefined, what: string): string | null {
  if (value === undefined || value === null) return null;
  const isText = typeof value === 'string' && value.length <= MAX_REMARK_LENGTH;
  if (isText && value.isWellFormed()) return value;
  const message = `${what} is a text of at most ${MAX_REMARK_LENGTH} characters, without half of a surrogate pair`;
  throw new RunchartError('argument-invalid', message);
}

/** How many are wanted, and no more than `most`. */
export function readLimit(value: number, most = Number.MAX_SAFE_INTEGER): number {
  return Math.min(readCount(value, 'limit'), most);
}

/** What is asked for beside the arguments. */
export function readOptions<Options extends object>(options: Options): Options {
  if (typeof options === 'object' && options !== null) return options;
  throw new RunchartError('argument-invalid', 'the options are an object');
}
