/** What changes of runs may ask for, what they answer, and how it is read who asks. */
import { RunchartError } from '../errors.js';
import type { Keyed } from '../keyed.js';
import type { JsonValue } from '../plan/json.js';
import { isName } from '../plan/name.js';
import type { Plan } from '../plan/schema.js';
import { readOptions } from '../read-arguments.js';

/** Who asks for a change, and why: both are in the log. */
export interface ChangeOptions extends Keyed {
  /** Up to 256 characters. */
  readonly by: string;
  /** Up to 2,000 characters. */
  readonly reason?: string | undefined;
}

/** How an operator lets a node count as done. */
export interface CompleteNodeOptions extends ChangeOptions {
  readonly output?: JsonValue | undefined;
  /** Of an approval, which needs one: `approved`, `rejected` or `changes-requested`. */
  readonly outcome?: string | undefined;
  /** Action that the result names, for edges with `on`. */
  readonly action?: string | undefined;
}

/** The input that an operator gives to a node. */
export interface PatchInputOptions extends ChangeOptions {
  readonly input: JsonValue;
}

/** How a live run is given another plan. */
export interface ReplanOptions extends ChangeOptions {
  /** Only tells what would become of the nodes. */
  readonly dryRun?: boolean | undefined;
  /** Calls off nodes at work that would change. */
  readonly cancelRunning?: boolean | undefined;
}

/** Where a fork begins, and what it is given instead. */
export interface ForkOptions extends ChangeOptions {
  /** Id of the new run. Forking the same under the same id again is one run. */
  readonly id?: string | undefined;
  /** Number of an event of the run, with the turn it belongs to; the newest, or the last before the run began to end early. */
  readonly at?: number | undefined;
  /** Node that begins again with all that rests on it. */
  readonly from?: string | undefined;
  readonly plan?: Plan | undefined;
  /** Inputs in place of those that would be resolved, by node; these nodes begin again. */
  readonly inputs?: Readonly<Record<string, JsonValue>> | undefined;
}

/** How a run is replaced by one with another plan. */
export interface ReplaceOptions extends ChangeOptions {
  /** Id of the new run. */
  readonly id?: string | undefined;
}

/** A node run after it was changed. */
export interface ChangedNode {
  readonly run: string;
  readonly node: string;
  readonly status: string;
}

/** The run that a fork made. */
export interface ForkedRun {
  /** Id of the new run. */
  readonly id: string;
  /** False where the same fork had created the run before. */
  readonly created: boolean;
  /** Number of the event of the old run at which the new one begins. */
  readonly seq: number;
  /** Nodes whose runs were carried over. */
  readonly carried: readonly string[];
}

/** As it goes into a message. */
export interface Asked {
  readonly by: string;
  readonly reason: string | null;
}

/** Throws `argument-invalid`. */
export function readAsked(options: ChangeOptions): Asked {
  const { by, reason } = readOptions(options);
  if (!isName(by)) {
    const message = 'by names who asks, in 1 to 256 characters';
    throw new RunchartError('argument-invalid', message);
  }
  const isReason = typeof reason === 'string' && reason.length <= 2_000 && reason.isWellFormed();
  if (reason !== undefined && !isReason) {
    throw new RunchartError('argument-invalid', 'a reason has up to 2,000 characters');
  }
  return { by, reason: reason ?? null };
}

/** Throws `argument-invalid`. */
export function readWord(word: string | null, what: string): string | null {
  const isWord = word === null || (typeof word === 'string' && word !== '' && word.length <= 256);
  if (isWord) return word;
  throw new RunchartError('argument-invalid', `${what} has 1 to 256 characters`);
}
