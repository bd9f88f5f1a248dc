/** A run in a simulation, as it is now: everything is read from the rows at the moment of asking. */
import { correlationOf } from '../actors/correlation.js';
import { isFinal, type NodeStatus, type RunStatus } from '../machines/statuses.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { Plan } from '../plan/schema.js';
import { toEvent, toTask } from '../row-views.js';
import type { RunEvent, TaskView } from '../views.js';
import { EventLog } from './event-log.js';
import type { MemoryRun, MemoryStorage } from './memory-storage.js';
import { type NodeTrace, traceRun } from './trace.js';

/** A run of the test kit: what it shows is what holds in the moment of asking. */
export class TestRun {
  readonly id: string;
  /** All events so far. */
  readonly log: EventLog;
  readonly #storage: MemoryStorage;
  readonly #events: RunEvent[] = [];

  /** The run is stored. */
  constructor(storage: MemoryStorage, id: string) {
    this.#storage = storage;
    this.id = id;
    this.log = new EventLog(() => this.#readEvents());
  }

  get status(): RunStatus {
    return this.#rows.record.status;
  }

  /** Status of every node of the plan, by id. */
  get nodes(): Readonly<Record<string, NodeStatus>> {
    const untouched: NodeStatus = isFinal(this.status) ? 'cancelled' : 'pending';
    const { nodeRuns } = this.#rows;
    const statuses: Record<string, NodeStatus> = {};
    for (const { id } of this.#plan.nodes) statuses[id] = untouched;
    for (const [node, { status }] of nodeRuns) statuses[node] = status;
    return statuses;
  }

  /** Outputs of the nodes that have one, by id. */
  get outputs(): Readonly<Record<string, JsonValue>> {
    const rows = [...this.#rows.nodeRuns.values()];
    return Object.fromEntries(
      rows.flatMap(({ node, outputJson }) =>
        outputJson === null ? [] : [[node, JSON.parse(outputJson) as JsonValue]],
      ),
    );
  }

  /** Why it failed or was cancelled. */
  get reason(): JsonObject | null {
    const { reasonJson } = this.#rows.record;
    return reasonJson === null ? null : (JSON.parse(reasonJson) as JsonObject);
  }

  /** Open tasks. */
  get tasks(): readonly TaskView[] {
    const open = [...this.#rows.tasks.values()].filter((task) => task.status === 'open');
    return open.map((task) => toTask(task, this.id));
  }

  /** What each node that was touched was given, did and decided, in order; also of a run that failed. */
  get trace(): readonly NodeTrace[] {
    return traceRun(this.#rows, this.#plan);
  }

  get #rows(): MemoryRun {
    const rows = this.#storage.runs.get(this.id);
    if (rows === undefined) throw new Error(`run ${this.id} is not stored`);
    return rows;
  }

  get #plan(): Plan {
    return JSON.parse(this.#storage.plans.get(this.#rows.record.planHash) ?? '') as Plan;
  }

  #readEvents(): readonly RunEvent[] {
    const fresh = this.#rows.events.slice(this.#events.length);
    const correlation = correlationOf(this.#rows.record);
    this.#events.push(...fresh.map((event) => toEvent(event, this.id, correlation)));
    return this.#events;
  }
}
