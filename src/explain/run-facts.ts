/**
 * What the rows and the log of a run say about one node run at a time. Invariant: a question is a
 * bounded number of bounded reads, whatever the size of the run; about many edges the scope is read
 * once, page by page.
 */
import type {
  AttemptRecord,
  EventRecord,
  NodeRunRecord,
  RunRecord,
  TaskRecord,
} from '../actors/records.js';
import { isFinal, type NodeStatus } from '../machines/statuses.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { Plan } from '../plan/schema.js';
import { PlanPaths, type Spot } from './plan-paths.js';

/** The reads that an explanation needs; a call gives at most 1,000 rows. */
export interface FactRows {
  loadPlan(hash: string): Promise<string | undefined>;
  getRun(id: string): Promise<RunRecord | undefined>;
  /** By path. */
  listNodeRuns(run: number, after?: string, limit?: number): Promise<readonly NodeRunRecord[]>;
  /** Events with a number above `after`, in order. */
  events(run: number, after: number, limit: number): Promise<readonly EventRecord[]>;
  eventsOfType(run: number, type: string, limit: number): Promise<readonly EventRecord[]>;
  attempts(run: number, node: string): Promise<readonly AttemptRecord[]>;
  listTasks(page: {
    readonly status?: TaskRecord['status'];
    readonly run?: number;
    readonly limit: number;
  }): Promise<readonly TaskRecord[]>;
}

/** An event with its detail read. */
export interface Fact extends Omit<EventRecord, 'detailJson'> {
  readonly detail: JsonObject;
}

/** A condition, an action or a default of an edge, as it was decided. */
export interface EdgeEvaluated {
  readonly seq: number;
  readonly condition: string;
  readonly result: boolean | null;
  readonly error: JsonObject | null;
}

const PAGE = 1_000;
/** Events of a run, up to one, among which its cause lies. */
const CAUSES_WITHIN = 8;
const NO_ROW = Promise.resolve(undefined);
/** Above every character that a path may hold. */
const LAST = '\u{10FFFF}';

export class RunFacts {
  readonly record: RunRecord;
  readonly plan: Plan;
  readonly paths: PlanPaths;
  readonly #rows: FactRows;
  readonly #wholeScopes = new Set<string>();
  readonly #byType = new Map<string, Promise<readonly Fact[]>>();
  readonly #nodeRuns = new Map<string, Promise<NodeRunRecord | undefined>>();
  readonly #attempts = new Map<string, Promise<readonly AttemptRecord[]>>();
  readonly #events = new Map<number, Promise<Fact | undefined>>();
  readonly #before = new Map<number, Promise<readonly Fact[]>>();

  constructor(rows: FactRows, record: RunRecord, plan: Plan) {
    this.#rows = rows;
    this.record = record;
    this.plan = plan;
    this.paths = new PlanPaths(plan);
  }

  /** The row of a node run; undefined where nothing has happened to it. */
  nodeRun(path: string): Promise<NodeRunRecord | undefined> {
    return once(this.#nodeRuns, path, () => {
      const scope = path.slice(0, Math.max(0, path.lastIndexOf('/')));
      return this.#wholeScopes.has(scope) ? NO_ROW : this.#readNodeRun(path);
    });
  }

  /** Reads all node runs of a scope at once, where one asks for many of them. */
  async readScope(scope: string): Promise<void> {
    if (this.#wholeScopes.has(scope)) return;
    this.#wholeScopes.add(scope);
    const start = scope === '' ? '' : `${scope}/`;
    for (let after = start; ; ) {
      const page = await this.#rows.listNodeRuns(this.record.run, after, PAGE);
      for (const row of page) this.#nodeRuns.set(row.node, Promise.resolve(row));
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE || !last.node.startsWith(start)) return;
      after = last.node;
    }
  }

  /** Rows come in pages by path: a page of one that begins right before this one. */
  async #readNodeRun(path: string): Promise<NodeRunRecord | undefined> {
    const before = String.fromCharCode(path.charCodeAt(path.length - 1) - 1);
    const after = path.slice(0, -1) + before + LAST;
    const [row] = await this.#rows.listNodeRuns(this.record.run, after, 1);
    return row?.node === path ? row : undefined;
  }

  /** Node runs whose path begins with a text, a thousand at most. */
  async nodeRunsBelow(start: string): Promise<readonly NodeRunRecord[]> {
    const rows = await this.#rows.listNodeRuns(this.record.run, start, PAGE);
    return rows.filter(({ node }) => node.startsWith(start));
  }

  /** Status of a node run, touched or not. */
  async status(spot: Spot): Promise<NodeStatus> {
    const row = await this.nodeRun(spot.path);
    if (row !== undefined) return row.status;
    return (await this.untouchedEnd(spot)) === undefined ? 'pending' : 'cancelled';
  }

  /** How node runs without a row ended: the event that cancelled them; null where that was their host's end. */
  async untouchedEnd({ scope, host }: Spot): Promise<Fact | null | undefined> {
    const ends = await this.ofType('nodes.cancelled');
    const end = ends.find(({ detail }) => {
      const ended = detail.scope;
      return typeof ended !== 'string' || scope === ended || scope.startsWith(`${ended}/`);
    });
    if (end !== undefined) return end;
    if (isFinal(this.record.status)) return null;
    const around = host === undefined ? undefined : await this.nodeRun(host);
    return around !== undefined && isFinal(around.status) ? null : undefined;
  }

  event(seq: number): Promise<Fact | undefined> {
    return once(this.#events, seq, async () => {
      const [event] = await this.#rows.events(this.record.run, seq - 1, 1);
      return event?.seq === seq ? toFact(event) : undefined;
    });
  }

  /** Events of a node run right before its newest one, with that. */
  before({ seq, node }: NodeRunRecord): Promise<readonly Fact[]> {
    return once(this.#before, seq, () =>
      this.after(Math.max(0, seq - CAUSES_WITHIN), node, CAUSES_WITHIN),
    );
  }

  /** Events of a node run after `seq`, among the next thousand of the run. */
  async after(seq: number, node: string, limit = PAGE): Promise<readonly Fact[]> {
    const events = await this.#rows.events(this.record.run, seq, limit);
    return events.filter((event) => event.node === node).map(toFact);
  }

  /** The first thousand events of a type. */
  ofType(type: string): Promise<readonly Fact[]> {
    return once(this.#byType, type, async () => {
      const events = await this.#rows.eventsOfType(this.record.run, type, PAGE);
      return events.map(toFact);
    });
  }

  /** How the outgoing edges of a final node run were decided, by edge id. */
  async evaluations(row: NodeRunRecord): Promise<ReadonlyMap<string, EdgeEvaluated>> {
    // They follow its end directly, with at most one event of a join behind each.
    const events = await this.after(row.seq, row.node, Math.min(PAGE, 2 * row.edges.length + 8));
    const evaluated = new Map<string, EdgeEvaluated>();
    for (const { seq, type, detail } of events) {
      const { edge, condition, result, error } = detail;
      if (type !== 'edge.evaluated' || evaluated.has(String(edge))) continue;
      evaluated.set(String(edge), {
        seq,
        condition: String(condition),
        result: typeof result === 'boolean' ? result : null,
        error: (error as JsonObject | undefined) ?? null,
      });
    }
    return evaluated;
  }

  async attempts({ node, generation }: NodeRunRecord): Promise<readonly AttemptRecord[]> {
    const attempts = await once(this.#attempts, node, () =>
      this.#rows.attempts(this.record.run, node),
    );
    return attempts.filter((attempt) => attempt.generation === generation);
  }

  async openTask(node: string): Promise<TaskRecord | undefined> {
    const { run } = this.record;
    const open = await this.#rows.listTasks({ run, status: 'open', limit: PAGE });
    return open.find((task) => task.node === node);
  }

  /** Node runs of another run, a thousand at most. */
  nodeRunsOf({ run }: RunRecord): Promise<readonly NodeRunRecord[]> {
    return this.#rows.listNodeRuns(run, '', PAGE);
  }

  run(id: string): Promise<RunRecord | undefined> {
    return this.#rows.getRun(id);
  }
}

/** Reads what is not known yet. */
function once<K, V>(known: Map<K, V>, key: K, read: () => V): V {
  const found = known.get(key) ?? read();
  known.set(key, found);
  return found;
}

function toFact({ detailJson, ...event }: EventRecord): Fact {
  return { ...event, detail: JSON.parse(detailJson) as JsonObject };
}

export function parseJson<T = JsonValue>(json: string | null): T | undefined {
  return json === null ? undefined : (JSON.parse(json) as T);
}
