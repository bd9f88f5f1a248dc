/** Faults that a test has ordered, and what is left of each. */
import type { CommitErrorCode } from '../actors/ports.js';
import { durationMs } from './duration.js';

/** How a handler is to misbehave. */
export interface HandlerFault {
  /** What the handler throws instead of working; an error of its own where nothing else is asked for. */
  readonly throws?: unknown;
  /** It does not work until its signal is aborted; `forever`: nor then. */
  readonly hangs?: boolean | 'forever';
  /** Simulated time that passes before it works: milliseconds, or a text such as `90s`. */
  readonly delay?: number | string;
  /** How many calls it meets; 1 unless given. */
  readonly times?: number;
  /** Only calls for this node. */
  readonly node?: string;
}

/** Commits that are not to become durable. */
export interface CommitFault {
  /** Commits that succeed before; 0 unless given. */
  readonly after?: number;
  /** How many fail; 1 unless given. */
  readonly times?: number;
  /** `storage-unavailable` unless given. */
  readonly code?: Extract<CommitErrorCode, 'storage-unavailable' | 'turn-refused'>;
}

/** When the simulated process is to stop. */
export interface CrashFault {
  /** Commits that become durable before; the answer to the last one is lost. At least 1. */
  readonly afterCommits: number;
}

/** What a handler does instead of its work, or before it. */
export type HandlerOrder =
  | { readonly type: 'throw'; readonly error: unknown }
  | { readonly type: 'hang'; readonly ignoresAbort: boolean }
  | { readonly type: 'delay'; readonly ms: number };

interface PendingHandlerFault extends Pick<HandlerFault, 'node'> {
  readonly handler: string;
  readonly order: HandlerOrder;
  left: number;
}

interface PendingCommitFault {
  readonly code: CommitErrorCode;
  after: number;
  left: number;
}

/** What is to go wrong in a test, ordered before it does. */
export class Faults {
  #handlers: PendingHandlerFault[] = [];
  #commits: PendingCommitFault[] = [];
  #untilCrash: number[] = [];

  /** The next calls of the handler with this key meet a fault. Faults of one handler are met in the order of these calls. */
  handler(handler: string, fault: HandlerFault = {}): void {
    const { times = 1, node } = fault;
    const order = readOrder(handler, fault);
    this.#handlers.push({ handler, order, left: times, ...(node !== undefined && { node }) });
  }

  /** Coming commits do not become durable: the engine throws their turns away and takes the runs up anew. */
  failCommit({ after = 0, times = 1, code = 'storage-unavailable' }: CommitFault = {}): void {
    this.#commits.push({ after, left: times, code });
  }

  /** The process stops in the middle and another one goes on over the same storage. */
  crash({ afterCommits }: CrashFault): void {
    this.#untilCrash.push(Math.max(1, afterCommits));
  }

  /** Takes back everything that has not happened yet. */
  clear(): void {
    this.#handlers = [];
    this.#commits = [];
    this.#untilCrash = [];
  }

  /** The same faults, to be met once more by others. */
  copy(): Faults {
    const copy = new Faults();
    copy.#handlers = this.#handlers.map((fault) => ({ ...fault }));
    copy.#commits = this.#commits.map((fault) => ({ ...fault }));
    copy.#untilCrash = [...this.#untilCrash];
    return copy;
  }

  /** A handler is called: what it does instead of its work, or before it. */
  takeOrder(handler: string, node: string): HandlerOrder | undefined {
    const fault = this.#handlers.find(
      (f) => f.left > 0 && f.handler === handler && (f.node === undefined || f.node === node),
    );
    if (fault === undefined) return undefined;
    fault.left -= 1;
    return fault.order;
  }

  /** A turn is about to be committed: the code of its failure, or undefined where it succeeds. */
  takeCommitFailure(): CommitErrorCode | undefined {
    const fault = this.#commits.find(({ left }) => left > 0);
    if (fault === undefined) return undefined;
    if (fault.after > 0) {
      fault.after -= 1;
      return undefined;
    }
    fault.left -= 1;
    return fault.code;
  }

  /** A turn is handed over: whether the process stops with it. */
  takeCrash(): boolean {
    const [left] = this.#untilCrash;
    if (left === undefined) return false;
    if (left > 1) this.#untilCrash[0] = left - 1;
    else this.#untilCrash.shift();
    return left <= 1;
  }
}

function readOrder(handler: string, fault: HandlerFault): HandlerOrder {
  if ('throws' in fault) return { type: 'throw', error: fault.throws };
  if (fault.hangs) return { type: 'hang', ignoresAbort: fault.hangs === 'forever' };
  if (fault.delay !== undefined) return { type: 'delay', ms: durationMs(fault.delay) };
  return { type: 'throw', error: new Error(`an injected fault of "${handler}"`) };
}
