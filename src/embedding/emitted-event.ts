/** What an actor that stands for a run emits. */
import type { RunEventType } from '../run-event-types.js';
import type { RunEvent } from '../views.js';

/** An event of the run, as the log holds it. */
export type EmittedRunEvent = Omit<RunEvent, 'type'> & { readonly type: RunEventType };

/** Says that events were removed by retention before they could be emitted: those after `after`, up to `upTo`. */
export interface EventsTrimmed {
  readonly type: 'events.trimmed';
  readonly run: string;
  readonly after: number;
  readonly upTo: number;
}

/** What is heard of a run with `on`. */
export type EmittedEvent = EmittedRunEvent | EventsTrimmed;
