/** How often somebody may ask: a bucket of tokens each, which fills up as time passes. Memory is bounded. */
import type { Context } from 'hono';
import { RecentMap } from '../../recent-map.js';
import { RequestError } from '../problem.js';

export interface Rate {
  /** Requests a second, in the long run. */
  readonly perSecond: number;
  /** Requests at once, after a quiet time. */
  readonly burst: number;
}

/** So often, and as much as five seconds of it at once. */
export function rateOf(perSecond: number): Rate {
  return { perSecond, burst: 5 * perSecond };
}

/** Requests a second of one principal. */
export const DEFAULT_RATE = 200;
/** Requests a second of all principals of one tenant. */
export const DEFAULT_TENANT_RATE = 1_000;
/** How often one address is refused a token, or a link, before it is told that it asks too often. */
export const DEFAULT_REFUSALS: Rate = { perSecond: 0.2, burst: 20 };

interface Bucket {
  tokens: number;
  at: number;
}

/** Buckets that are remembered; whoever was forgotten has a full one. */
const MAX_BUCKETS = 10_000;

export class RateLimit {
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #buckets = new RecentMap<string, Bucket>(MAX_BUCKETS);

  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Takes one; gives 0, or the seconds after which there is one again. */
  take(who: string): number {
    const bucket = this.#bucketOf(who);
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return Math.ceil((1 - bucket.tokens) / this.#rate.perSecond);
  }

  #bucketOf(who: string): Bucket {
    const { perSecond, burst } = this.#rate;
    const now = this.#now();
    const known = this.#buckets.get(who) ?? { tokens: burst, at: now };
    const tokens = Math.min(
      burst,
      known.tokens + (Math.max(0, now - known.at) / 1_000) * perSecond,
    );
    const bucket = { tokens, at: now };
    this.#buckets.set(who, bucket);
    return bucket;
  }
}

/** Throws `rate-limited` where `seconds` have to pass before there is another try. */
export function limit(context: Context, seconds: number): void {
  if (seconds === 0) return;
  context.header('Retry-After', String(seconds));
  throw new RequestError('rate-limited', 'This is asked too often.', `Wait for ${seconds} s.`);
}
