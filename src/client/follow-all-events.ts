/**
 * The events of all runs over connections that may be cut anywhere. Invariants: 1. each event is given once, those of
 * a run in order; 2. what is gone before it was read is told; 3. what is not read is not asked for.
 */
import type { BusEvent, BusGap } from './api.js';
import { type Listening, reconnecting } from './reconnecting.js';
import type { Transport } from './transport.js';

/** Where to begin, and when to stop. */
export interface FollowAllOptions extends Listening {
  /** Position of the last event already known; `0/0` is from the first. From now on unless given. */
  readonly after?: string;
  /** Told of events that retention has removed before they were read. */
  onGap?(gap: BusGap): void;
}

/** Never ends by itself. Rejects with a ProblemError, and with the reason of the signal. */
export async function* followAllEvents(
  transport: Transport,
  path: string,
  { after, onGap, ...listening }: FollowAllOptions = {},
): AsyncGenerator<BusEvent, void, undefined> {
  let last = after;
  let gap = '';
  const heard = reconnecting<BusEvent | BusGap>(transport, path, listening, {
    position: () => last,
  });
  for await (const { id, name, data } of heard) {
    if (name === 'gap') {
      const found = data as BusGap;
      // Told again to whoever comes back before he has passed it.
      if (found.to !== gap) onGap?.(found);
      gap = found.to;
      continue;
    }
    last = id ?? last;
    if (data !== undefined) yield data as BusEvent;
  }
}
