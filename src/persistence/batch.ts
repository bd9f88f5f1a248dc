/**
 * Builds the statements of one batch out of encoded turns. Invariants: 1. the fence comes first;
 * 2. rows of one key keep the order of their turns, also around rows that are bound on their own;
 * 3. only statements that have rows are sent.
 */
import type { Link } from '../storage/history-rows.js';
import { chainHash, FIRST_LINK } from './chain.js';
import {
  type EncodedItem,
  type EncodedTimer,
  type EncodedTurn,
  FRAGMENT,
  FRAGMENT_COUNT,
  type FragmentIndex,
} from './encoded-turn.js';
import { BrokenOrder } from './faults.js';
import {
  CHECKPOINT_INSERT,
  FENCE,
  FREE_ROW_STATEMENTS,
  PLAN_INSERT,
  TABLE_STATEMENTS,
  TIMER_DELETE,
  TIMER_UPSERT,
} from './statements.js';
import type { Statement } from './write-connection.js';

export interface Batch {
  readonly statements: readonly Statement[];
  /** Ends of the chains, once the batch is durable. */
  readonly links: ReadonlyMap<number, Link>;
  /** Newest turn and its hash; undefined where the batch holds no turn. */
  readonly head: { readonly turn: number; readonly hash: string } | undefined;
}

export function buildBatch(
  items: readonly EncodedItem[],
  epoch: number,
  ends: ReadonlyMap<number, Link>,
): Batch {
  const statements: Statement[] = [{ sql: FENCE, args: [epoch] }];
  const links = new Map<number, Link>();
  const checkpoints: string[] = [];
  const timers = new Map<string, EncodedTimer>();
  let head: Batch['head'];
  let segment = new Segment();
  for (const item of items) {
    if (item.kind === 'plan') {
      statements.push({ sql: PLAN_INSERT, args: item.values });
      continue;
    }
    if (item.kind === 'rows') {
      for (const { name, values } of item.rows) {
        statements.push({ sql: FREE_ROW_STATEMENTS[name].write, args: values });
      }
      continue;
    }
    const link = nextLink(item, links.get(item.run) ?? ends.get(item.run) ?? FIRST_LINK);
    links.set(item.run, link);
    checkpoints.push(`${item.head},"${link.hash}"]`);
    head = { turn: item.turn, hash: link.hash };
    for (const timer of item.timers) timers.set(`${timer.run}/${timer.id}`, timer);
    segment.add(item);
    if (item.large.length === 0) continue;
    segment.flush(statements);
    segment = new Segment();
    for (const { table, values } of item.large) {
      statements.push({
        sql: TABLE_STATEMENTS[table].one,
        args: values.map((value) => value ?? null),
      });
    }
  }
  segment.flush(statements);
  if (checkpoints.length > 0) statements.push(many(CHECKPOINT_INSERT, checkpoints));
  pushTimers([...timers.values()], statements);
  return { statements, links, head };
}

function nextLink(turn: EncodedTurn, previous: Link): Link {
  if (turn.seq !== previous.seq + turn.eventCount || turn.eventCount === 0) {
    throw new BrokenOrder(
      `Turn ${turn.turn} of run ${turn.run} has ${turn.eventCount} events up to ${turn.seq}, after event ${previous.seq}.`,
    );
  }
  return { seq: turn.seq, hash: chainHash(previous.hash, turn) };
}

/** Only the last word on each timer counts: one that is cleared and armed again stays. */
function pushTimers(timers: readonly EncodedTimer[], statements: Statement[]): void {
  const cleared = timers.filter(({ row }) => row === null);
  const armed = timers.flatMap(({ row }) => (row === null ? [] : [row]));
  if (cleared.length > 0) {
    statements.push(
      many(
        TIMER_DELETE,
        cleared.map(({ run, id }) => JSON.stringify([run, id])),
      ),
    );
  }
  if (armed.length > 0) statements.push(many(TIMER_UPSERT, armed));
}

/** Rows of successive turns that can share one statement per table. */
class Segment {
  readonly #rows: string[][] = Array.from({ length: FRAGMENT_COUNT }, () => []);
  readonly #runChanges = new Map<number, string>();

  add(turn: EncodedTurn): void {
    for (let table = 0; table < FRAGMENT_COUNT; table += 1) {
      const fragment = turn.fragments[table];
      if (fragment === undefined || fragment === '') continue;
      if (table === FRAGMENT.runsChanged) this.#runChanges.set(turn.run, fragment);
      else this.#rows[table]?.push(fragment);
    }
  }

  flush(statements: Statement[]): void {
    for (let table = 0; table < FRAGMENT_COUNT; table += 1) {
      const rows =
        table === FRAGMENT.runsChanged ? [...this.#runChanges.values()] : (this.#rows[table] ?? []);
      if (rows.length > 0)
        statements.push(many(TABLE_STATEMENTS[table as FragmentIndex].many, rows));
    }
  }
}

function many(sql: string, rows: readonly string[]): Statement {
  return { sql, args: [`[${rows.join(',')}]`] };
}
