/** Refuses reads of what retention has removed. */
import type { RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';

/** Throws `history-trimmed` where what is after event `seq` is not there from its beginning. */
export function assertKept({ id, trimmedTo }: RunRecord, seq: number): void {
  if (seq >= trimmedTo) return;
  const message = `the events of run ${id} up to ${trimmedTo} were removed by retention`;
  throw new RunchartError('history-trimmed', message, {
    hint: `its state at event ${trimmedTo} and all events after it are there`,
  });
}
