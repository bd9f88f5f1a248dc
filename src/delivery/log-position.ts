/** Places in the log of all runs as text: `TURN/NUMBER`. */
import type { LogPosition } from '../actors/delivery-records.js';
import { RunchartError } from '../errors.js';
import { readText } from '../read-arguments.js';

/** Before the first event. */
export const START = '0/0';

export function formatPosition({ turn, seq }: LogPosition): string {
  return `${turn}/${seq}`;
}

export function isLater(place: LogPosition, than: LogPosition): boolean {
  return place.turn > than.turn || (place.turn === than.turn && place.seq > than.seq);
}

/** Throws `argument-invalid`. */
export function parsePosition(text: string): LogPosition {
  const [, turn, seq] = /^(\d{1,16})\/(\d{1,16})$/.exec(readText(text, 'a position')) ?? [];
  if (turn !== undefined && seq !== undefined) return { turn: Number(turn), seq: Number(seq) };
  throw invalidPosition(text);
}

export function invalidPosition(text: string): RunchartError {
  return new RunchartError(
    'argument-invalid',
    `"${text.slice(0, 100)}" is no position of an event`,
    {
      hint: 'give the `position` of an event of the bus, or 0/0 for the first',
    },
  );
}
