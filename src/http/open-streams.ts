/**
 * What holds a connection for long: streams that are open and requests that wait, and whose they are. Invariants:
 * 1. one that ends, however it does, is counted no more; 2. what one tenant holds keeps no other one out.
 */
import { RequestError } from './problem.js';

/** Streams that one principal may have open. */
export const DEFAULT_MAX_STREAMS = 256;
/** Streams and waiting requests in all: a server has more connections than that, for other requests. */
export const DEFAULT_MAX_ALL_STREAMS = 900;

/** Whose a stream is. */
export interface StreamOwner {
  readonly tenant: string;
  /** A principal of it, or where he comes from. */
  readonly name: string;
}

interface OpenStream extends StreamOwner {
  readonly isStream: boolean;
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
    const isHis = (one: OpenStream) => one.isStream && one.tenant === tenant && one.name === name;
    if (this.#countOf(isHis) >= this.#max) {
      throw tooMany(
        this.#max,
        'End one of them, or watch more with one: `GET /events` has all runs.',
      );
    }
    if (!this.#hasRoomFor(tenant)) {
      throw tooMany(this.#maxAll, 'End streams of this tenant, or come again later.');
    }
    return this.#add({ tenant, name, isStream: true, end });
  }

  /** The same for a request that is to wait, which `end` would answer at once; undefined where it should not wait. */
  hold({ tenant, name }: StreamOwner, end: () => void): (() => void) | undefined {
    if (!this.#hasRoomFor(tenant)) return undefined;
    return this.#add({ tenant, name, isStream: false, end });
  }

  #add(stream: OpenStream): () => void {
    this.#open.add(stream);
    return () => void this.#open.delete(stream);
  }

  /** Where there is none, ends the newest of the tenant that has most, if that is more than the other one is to have. */
  #hasRoomFor(tenant: string): boolean {
    if (this.#open.size < this.#maxAll) return true;
    const counts = new Map<string, number>();
    for (const one of this.#open) counts.set(one.tenant, (counts.get(one.tenant) ?? 0) + 1);
    const [[largest, count] = [tenant, 0]] = [...counts].sort(([, a], [, b]) => b - a);
    if (count <= (counts.get(tenant) ?? 0) + 1) return false;
    const newest = [...this.#open].findLast((one) => one.tenant === largest);
    if (newest === undefined) return false;
    this.#open.delete(newest);
    newest.end();
    return true;
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
