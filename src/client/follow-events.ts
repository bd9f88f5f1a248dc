/**
 * The events of a run over connections that may be cut anywhere. Invariants: 1. each event is given once, in
 * order; 2. a connection that is silent for too long is given up; 3. what is not read is not asked for.
 */
import type { RunEvent } from './api.js';
import { type Listening, reconnecting } from './reconnecting.js';
import type { Transport } from './transport.js';

/** Where to begin, and when to stop. */
export interface FollowOptions extends Listening {
  /** Number of the last event already known; 0 is from the first. */
  readonly after?: number;
}

const TERMINAL: ReadonlySet<string> = new Set([
  ...['run.completed', 'run.partial', 'run.failed', 'run.cancelled'],
]);

/** Ends after the terminal event of the run. Rejects with a ProblemError, and with the reason of the signal. */
export async function* followEvents(
  transport: Transport,
  path: string,
  { after = 0, ...listening }: FollowOptions = {},
): AsyncGenerator<RunEvent, void, undefined> {
  let last = after;
  const position = () => String(last);
  for await (const { data: event } of reconnecting<RunEvent>(transport, path, listening, {
    position,
  })) {
    if (event === undefined || event.seq <= last) continue;
    last = event.seq;
    yield event;
    if (TERMINAL.has(event.type)) return;
  }
}
