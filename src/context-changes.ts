/**
 * What a run knew, change by change: outputs that nodes set, or that a fork began with, and those that were
 * deleted as their nodes began again or left the plan. Worked out from the log, the values from the rows of each generation.
 */
import type { EventRecord, NodeRunRecord } from './actors/records.js';
import type { JsonValue } from './plan/json.js';
import { MAX_PAGE_ROWS } from './storage/run-rows.js';
import type { ContextChange } from './views.js';

/** The rows that it reads. */
interface ChangeRows {
  events(run: number, after: number, limit: number): Promise<readonly EventRecord[]>;
  /** Every generation of a node run, oldest first. */
  generations(run: number, node: string): Promise<readonly NodeRunRecord[]>;
}

/** At most `limit` changes whose event has a number above `after`, in order. */
export async function listChanges(
  rows: ChangeRows,
  run: number,
  after: number,
  limit: number,
): Promise<ContextChange[]> {
  const generations = new Generations(rows, run);
  const changes: ContextChange[] = [];
  for (let from = after; ; ) {
    const events = await rows.events(run, from, MAX_PAGE_ROWS);
    for (const event of events) {
      changes.push(...(await changesOf(event, generations)));
      // Those of one event stay together.
      if (changes.length >= limit) return changes;
    }
    from = events.at(-1)?.seq ?? from;
    if (events.length < MAX_PAGE_ROWS) return changes;
  }
}

async function changesOf(event: EventRecord, generations: Generations): Promise<ContextChange[]> {
  const { type, node, detailJson } = event;
  if (type === 'node.completed' || type === 'node.partial') {
    const { generation = 1 } = JSON.parse(detailJson) as { readonly generation?: number };
    const row = await generations.find(node ?? '', generation);
    return toChange('set', event, row);
  }
  if (type === 'nodes.carried-over') {
    const { nodes } = JSON.parse(detailJson) as { readonly nodes: readonly NodeRunRecord[] };
    const given = nodes.filter(({ status }) => status === 'completed' || status === 'partial');
    const rows = given.map(({ node: path, generation }) => generations.find(path, generation));
    return (await Promise.all(rows)).flatMap((row) => toChange('set', event, row));
  }
  if (type !== 'nodes.renewed' && type !== 'nodes.removed') return [];
  const { nodes, returned = [] } = JSON.parse(detailJson) as Renewal;
  // What comes back had gone when it was removed.
  const gone = nodes.filter((path) => !returned.includes(path));
  const ended = await Promise.all(gone.map((path) => generations.endedBefore(path, event.seq)));
  return ended.flatMap((row) => toChange('delete', event, row));
}

interface Renewal {
  readonly nodes: readonly string[];
  /** Those of them that a plan of the run did not have before. */
  readonly returned?: readonly string[];
}

function toChange(
  op: ContextChange['op'],
  { seq, at }: EventRecord,
  row: NodeRunRecord | undefined,
): ContextChange[] {
  if (row === undefined || row.outputJson === null) return [];
  const { node, generation, attempt, outputJson } = row;
  const of = { seq, at, op, node, generation, attempt };
  return [op === 'set' ? { ...of, value: JSON.parse(outputJson) as JsonValue } : of];
}

/** The rows of a node run, one for each of its generations, read when they are first asked for. */
class Generations {
  readonly #rows: ChangeRows;
  readonly #run: number;
  readonly #known = new Map<string, Promise<readonly NodeRunRecord[]>>();

  constructor(rows: ChangeRows, run: number) {
    this.#rows = rows;
    this.#run = run;
  }

  async find(node: string, generation: number): Promise<NodeRunRecord | undefined> {
    return (await this.#of(node)).find((row) => row.generation === generation);
  }

  /** The generation that came to its end as of event `seq`. */
  async endedBefore(node: string, seq: number): Promise<NodeRunRecord | undefined> {
    return (await this.#of(node)).findLast((row) => row.seq < seq);
  }

  #of(node: string): Promise<readonly NodeRunRecord[]> {
    const known = this.#known.get(node) ?? this.#rows.generations(this.#run, node);
    this.#known.set(node, known);
    return known;
  }
}
