/** The runs of a dry run and their node runs, by the plans that they are of. Reads only. */
import type { NodeRunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { isFinal } from '../machines/statuses.js';
import type { JsonValue } from '../plan/json.js';
import type { NodeView } from '../plan/plan-version.js';
import type { MemoryRun, MemoryStorage } from '../testing/memory-storage.js';
import type { Known } from './assumed-values.js';
import { nameOf, type Place } from './plan-index.js';
import type { Stage, StagedPlan } from './stage.js';

/** The fallback of a node, or a level of its escalation, was begun. */
const SUBSTITUTE = 'node.fallback-started';

export class StagedRuns {
  readonly #stage: Stage;
  readonly #storage: MemoryStorage;

  constructor(stage: Stage, storage: MemoryStorage) {
    this.#stage = stage;
    this.#storage = storage;
  }

  /** All runs of now, subplans' included. */
  all(): readonly MemoryRun[] {
    return [...this.#storage.runs.values()];
  }

  run(id: string): MemoryRun {
    const run = this.#storage.runs.get(id);
    if (run === undefined) throw new RunchartError('run-unknown', `there is no run ${id}`);
    return run;
  }

  planOf(run: MemoryRun): StagedPlan {
    return this.#stage.planOf(run.record.planHash, () => this.#loadPlan(run));
  }

  /** Undefined where a path names no node of the run's plan, as that of the run itself does. */
  nodeRun(run: MemoryRun, node: string): StagedNodeRun | undefined {
    const plan = this.planOf(run);
    const place = plan.index.place(node);
    if (place === undefined) return undefined;
    return new StagedNodeRun(run, plan, place, node, this.pathOf(run, node));
  }

  /** Path of a node run, behind that of the subplan that its run works for. */
  pathOf(run: MemoryRun, node: string): string {
    const parent = this.#parentOf(run);
    if (parent === undefined) return node;
    return `${this.pathOf(parent, run.record.parentNode ?? '')} > ${node}`;
  }

  #parentOf({ record }: MemoryRun): MemoryRun | undefined {
    return this.#storage.runs.get(record.parentId ?? '');
  }

  #loadPlan(run: MemoryRun): { readonly json: string; readonly name: string } {
    const json = this.#storage.plans.get(run.record.planHash) ?? '{}';
    const parent = this.#parentOf(run);
    if (parent === undefined) return { json, name: '' };
    const place = this.planOf(parent).index.place(run.record.parentNode ?? '');
    const source = place?.node.source;
    return { json, name: source?.kind === 'subplan' ? source.plan : '' };
  }
}

export class StagedNodeRun {
  readonly run: MemoryRun;
  readonly plan: StagedPlan;
  readonly place: Place;
  /** Its path in its own run. */
  readonly node: string;
  /** Its path with those of the subplans around it. */
  readonly path: string;

  constructor(run: MemoryRun, plan: StagedPlan, place: Place, node: string, path: string) {
    this.run = run;
    this.plan = plan;
    this.place = place;
    this.node = node;
    this.path = path;
  }

  /** Name of its node among those of all plans, whatever the iteration. */
  get name(): string {
    return this.plan.prefix + nameOf(this.place);
  }

  /** By which something may be given for it, the closest first. */
  get givenNames(): readonly string[] {
    if (this.place.as === 'compensation') return [this.node];
    return [this.path, this.node, this.name, nameOf(this.place), this.place.node.id];
  }

  /** Whether what works is the fallback of its node, or a level of its escalation. */
  get isSubstitute(): boolean {
    const begun = this.run.events.findLast(
      ({ type, node }) => node === this.node && (type === 'node.started' || type === SUBSTITUTE),
    );
    return begun?.type === SUBSTITUTE;
  }

  /** What its run has of the nodes that finished in it. */
  get known(): Known {
    return {
      inputs: JSON.parse(this.run.record.inputJson) as JsonValue,
      finished: (place) => {
        const row = newestRow(this.run, nameOf(place));
        return row === undefined || !isFinal(row.status) ? undefined : viewOf(row);
      },
      sample: (place) => this.plan.sample(place),
    };
  }
}

/** The row of a node by its name in the plan; within loops that of the newest iteration. */
function newestRow({ nodeRuns }: MemoryRun, name: string): NodeRunRecord | undefined {
  const exact = nodeRuns.get(name);
  if (exact !== undefined || !name.includes('/')) return exact;
  const named = [...nodeRuns.values()].filter(
    ({ node }) => node.replace(/(#\d+)?\[\d+\]\//g, '/') === name,
  );
  return named.sort((a, b) => a.seq - b.seq).at(-1);
}

function viewOf({ status, inputJson, outputJson, outcome, action }: NodeRunRecord): NodeView {
  return {
    status,
    ...(inputJson !== null && { input: JSON.parse(inputJson) as JsonValue }),
    ...(outputJson !== null && { output: JSON.parse(outputJson) as JsonValue }),
    ...(outcome !== null && { outcome }),
    ...(action !== null && { action }),
  };
}
