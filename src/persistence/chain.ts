/**
 * The hash chain of each run over its turns. Invariants: 1. a turn follows exactly the event after
 * which it was computed; 2. links of a batch are kept apart until the batch is durable.
 */
import { hash } from 'node:crypto';
import type { Link } from '../storage/history-rows.js';
import { CHAINED, type EncodedTurn } from './encoded-turn.js';

/** What comes before the first turn. */
export const FIRST_LINK: Link = { seq: 0, hash: '' };

/** Separates the values of a large row; cannot occur inside a JSON text. */
const SEPARATOR = '\u001f';

/** The hash of a turn, which follows `previous`. */
export function chainHash(previous: string, turn: EncodedTurn): string {
  let text = `${previous}\n${turn.head}`;
  for (const table of CHAINED) text += `\n${turn.fragments[table]}`;
  for (const { table, values } of turn.large) {
    if (CHAINED.includes(table)) text += `\n${values.join(SEPARATOR)}`;
  }
  return hash('sha256', text, 'base64url');
}
