/** The log of a run, to be searched and printed by tests. */

import { formatDuration } from '../plan/durations.js';
import type { JsonObject } from '../plan/json.js';
import type { RunEvent } from '../views.js';

/** A whole event type, a pattern of types, or a test of the event. */
export type EventPattern = string | RegExp | ((event: RunEvent) => boolean);

/** Which node or attempt an event has to be about. */
export interface EventFilter {
  readonly node?: string;
  readonly attempt?: number;
}

/** The log of a run, to look things up in. */
export class EventLog implements Iterable<RunEvent> {
  readonly #read: () => readonly RunEvent[];

  /** `read` gives all events so far, in order. */
  constructor(read: () => readonly RunEvent[]) {
    this.#read = read;
  }

  get length(): number {
    return this.#read().length;
  }

  [Symbol.iterator](): Iterator<RunEvent> {
    return this.#read()[Symbol.iterator]();
  }

  /** The first event that fits; undefined where none does. */
  find(pattern: EventPattern, where: EventFilter = {}): RunEvent | undefined {
    return this.#read().find((event) => fits(event, pattern, where));
  }

  /** All events that fit, in order. */
  filter(pattern: EventPattern, where: EventFilter = {}): RunEvent[] {
    return this.#read().filter((event) => fits(event, pattern, where));
  }

  /** A line per event: number, simulated time since the first, type, node and attempt, what it says. The `last` ones only, where given. */
  print(last?: number): string {
    const events = this.#read();
    const start = events[0]?.at ?? 0;
    const shown = last === undefined ? events : events.slice(-last);
    return shown.map((event) => formatEvent(event, start)).join('\n');
  }
}

function fits(event: RunEvent, pattern: EventPattern, { node, attempt }: EventFilter): boolean {
  if (node !== undefined && event.node !== node) return false;
  if (attempt !== undefined && event.attempt !== attempt) return false;
  if (typeof pattern === 'function') return pattern(event);
  return typeof pattern === 'string' ? event.type === pattern : event.type.search(pattern) >= 0;
}

function formatEvent({ seq, type, node, attempt, at, detail }: RunEvent, start: number): string {
  const who = node === null ? '' : ` ${node}${attempt === null ? '' : `#${attempt}`}`;
  const number = String(seq).padStart(4);
  const elapsed = `+${formatDuration(at - start)}`;
  return `${number} ${elapsed.padStart(10)} ${type}${who}${explain(detail)}`;
}

function explain({ from, to, ...rest }: JsonObject): string {
  const change = typeof to === 'string' ? ` ${from ?? ''}->${to}` : '';
  return Object.keys(rest).length === 0 ? change : `${change} ${JSON.stringify(rest)}`;
}
