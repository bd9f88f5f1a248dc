/** Refuses reads of what retention has removed. */
import type { RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';

/**
 * Throws `history-trimmed` where what is after event `seq` is not there from its beginning, and
 * `argument-invalid` where that is no number of an event.
 */
export function assertKept({ id, trimmedTo }: RunRecord, seq: number): void {
  if (!Number.isSafeInteger(seq) || seq < 0) {
    throw new RunchartError('argument-invalid', 'events have whole numbers, from 1 on');
  }
  if (seq >= trimmedTo) return;
  throw historyTrimmed(
    { id, trimmedTo },
    `its state at event ${trimmedTo} and all events after it are there`,
  );
}

/** What was asked for rests on events that are gone; `hint` says what is there. */
export function historyTrimmed(
  { id, trimmedTo }: Pick<RunRecord, 'id' | 'trimmedTo'>,
  hint: string,
): RunchartError {
  const message = `the events of run ${id} up to ${trimmedTo} were removed by retention`;
  return new RunchartError('history-trimmed', message, { hint, data: { trimmedTo } });
}
