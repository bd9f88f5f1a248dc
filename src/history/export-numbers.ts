/**
 * Numbers of runs and turns in an exported file, where those of the database would tell a tenant how much others do:
 * runs and the turns of each count from 1, and the chain is made again over them. Invariant: a turn keeps its place.
 */
import { FIRST_LINK } from '../persistence/chain.js';
import { hashOfTurn } from '../persistence/run-turns.js';
import type { StoredTurn } from '../storage/history-rows.js';

export interface ExportNumbers {
  /** A record of the run, or of one of its rows. */
  record<R extends { readonly run: number }>(record: R): R;
  /** Turns are given in their order. */
  turn(turn: StoredTurn): StoredTurn;
}

/** As they are stored. */
export const STORED_NUMBERS: ExportNumbers = {
  record: (record) => record,
  turn: (turn) => turn,
};

/** Those of one run in a file; `run` is its number there. */
export function ownNumbers(run: number): ExportNumbers {
  let last = { turn: 0, hash: FIRST_LINK.hash };
  const record = <R extends { readonly run: number }>(stored: R): R => ({ ...stored, run });
  return {
    record,
    turn({ checkpoint, events, versions }) {
      const turn = last.turn + 1;
      const numbered = {
        checkpoint: { ...checkpoint, run, turn },
        events: events.map(record),
        versions: versions.map(record),
      };
      const hash = hashOfTurn(last.hash, numbered);
      last = { turn, hash };
      return { ...numbered, checkpoint: { ...numbered.checkpoint, hash } };
    },
  };
}
