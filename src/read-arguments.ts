/** Arguments of the API as callers without types may give them: each throws `argument-invalid`. */
import { RunchartError } from './errors.js';

const MAX_TEXT_LENGTH = 1_024;

/** An id, a path or a name; what there is none of is for others to say. */
export function readText(value: string, what: string): string {
  if (typeof value === 'string' && value.length <= MAX_TEXT_LENGTH) return value;
  throw new RunchartError(
    'argument-invalid',
    `${what} is a text of at most ${MAX_TEXT_LENGTH} characters`,
  );
}

/** How many are wanted at most. */
export function readLimit(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RunchartError('argument-invalid', 'limit is a whole number from 0 on');
}

/** What is asked for beside the arguments. */
export function readOptions<Options extends object>(options: Options): Options {
  if (typeof options === 'object' && options !== null) return options;
  throw new RunchartError('argument-invalid', 'the options are an object');
}
