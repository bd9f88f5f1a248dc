/**
 * The streams that are open, and whose they are. Invariants: 1. one that ends, however it does, is counted no more;
 * 2. what one tenant has open keeps no other one out.
 */
import { RequestError } from './problem.js';

/** Streams that one principal may have open. */
export const DEFAULT_MAX_STREAMS = 256;
/** Streams that may be open in all: a server has more connections than that, for other requests. */
export const DEFAULT_MAX_ALL_STREAMS = 900;

/** Whose a stream is. */
export interface StreamOwner {
  readonly tenant: string;
  /** A principal of it, or where he comes from. */
  readonly name: string;
}

interface OpenStream extends StreamOwner {
  end(): void;
}

export class OpenStreams {
  readonly #max: number;
  readonly #maxAll: number;
  /** In the order in which they were opened. */
  readonly #open = new Set<OpenStream>();

  constructor(max = DEFAULT_MAX_STREAMS, maxAll = DEFAULT_MAX_ALL_STREAMS) {
    this.#max = max;
    this.#maxAll = maxAll;
  }

  /**
   * Counts one more, which `end` would end to make room; returns what says that it has ended. Throws
   * `too-many-streams`.
   */
  enter({ tenant, name }: StreamOwner, end: () => void): () => void {
    if (this.#countOf((one) => one.tenant === tenant && one.name === name) >= this.#max) {
      throw tooMany(
        this.#max,
        'End one of them, or watch more with one: `GET /events` has all runs.',
      );
    }
    if (this.#open.size >= this.#maxAll) this.#makeRoom(tenant);
    const stream: OpenStream = { tenant, name, end };
    this.#open.add(stream);
    return () => void this.#open.delete(stream);
  }

  /** Ends the newest stream of the tenant that has most, if that is more than the other one is to have. */
  #makeRoom(tenant: string): void {
    const counts = new Map<string, number>();
    for (const one of this.#open) counts.set(one.tenant, (counts.get(one.tenant) ?? 0) + 1);
    const [[largest, count] = [tenant, 0]] = [...counts].sort(([, a], [, b]) => b - a);
    if (count <= (counts.get(tenant) ?? 0) + 1) {
      throw tooMany(this.#maxAll, 'End streams of this tenant, or come again later.');
    }
    const newest = [...this.#open].findLast((one) => one.tenant === largest);
    if (newest === undefined) return;
    this.#open.delete(newest);
    newest.end();
  }

  #countOf(isMeant: (stream: OpenStream) => boolean): number {
    let count = 0;
    for (const one of this.#open) if (isMeant(one)) count += 1;
    return count;
  }
}

function tooMany(max: number, hint: string): RequestError {
  return new RequestError('too-many-streams', `There are ${max} streams open already.`, hint);
}
