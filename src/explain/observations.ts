/** What one path of a dry run has shown of its plans, read from the rows and logs of its runs. */
import { isFinal, type NodeStatus } from '../machines/statuses.js';
import { outgoingEdges } from '../plan/graph-edges.js';
import type { MemoryRun } from '../testing/memory-storage.js';
import type { Decisions } from './decisions.js';
import type { StagedNodeRun, StagedRuns } from './staged-runs.js';

/** What a condition came to. */
export type SeenResult = 'true' | 'false' | 'error';

export interface Observations {
  /** Nodes in the order in which they became final. */
  readonly nodes: readonly { readonly node: string; readonly status: NodeStatus }[];
  /** Names of nodes that became ready. */
  readonly reached: ReadonlySet<string>;
  /** Names of edges that were taken. */
  readonly taken: ReadonlySet<string>;
  /** Results of conditions by the name of their edge. */
  readonly conditions: ReadonlyMap<string, ReadonlySet<SeenResult>>;
}

interface EdgeEvaluated {
  readonly edge: string;
  readonly result: boolean | null;
  readonly error?: { readonly message: string };
}

/** Warns of what is suspicious by the way. */
export function observe(runs: StagedRuns, decisions: Decisions): Observations {
  return new Observer(runs, decisions).observe();
}

class Observer {
  readonly #runs: StagedRuns;
  readonly #decisions: Decisions;
  readonly #reached = new Set<string>();
  readonly #taken = new Set<string>();
  readonly #conditions = new Map<string, Set<SeenResult>>();

  constructor(runs: StagedRuns, decisions: Decisions) {
    this.#runs = runs;
    this.#decisions = decisions;
  }

  observe(): Observations {
    for (const run of this.#runs.all()) {
      this.#readEvents(run);
      for (const { node, edges, outputJson } of run.nodeRuns.values()) {
        const nodeRun = this.#runs.nodeRun(run, node);
        if (nodeRun?.place.as === 'node') this.#readEdges(nodeRun, edges);
        if (nodeRun?.place.node.kind === 'loop') this.#readLoop(nodeRun, outputJson);
      }
    }
    return {
      nodes: this.#finals(),
      reached: this.#reached,
      taken: this.#taken,
      conditions: this.#conditions,
    };
  }

  #readEvents(run: MemoryRun): void {
    for (const { type, node, detailJson } of run.events) {
      const nodeRun = node === null ? undefined : this.#runs.nodeRun(run, node);
      if (nodeRun === undefined || nodeRun.place.as === 'compensation') continue;
      if (type === 'node.ready') this.#reached.add(nodeRun.name);
      if (type === 'edge.evaluated') {
        this.#readCondition(nodeRun, JSON.parse(detailJson) as EdgeEvaluated);
      }
    }
  }

  #readCondition({ plan, place, name }: StagedNodeRun, evaluated: EdgeEvaluated): void {
    const { edge, result, error } = evaluated;
    const key = plan.prefix + place.scope.prefix + edge;
    const seen = this.#conditions.get(key) ?? new Set();
    this.#conditions.set(key, seen);
    if (error === undefined) {
      seen.add(result === true ? 'true' : 'false');
      return;
    }
    seen.add('error');
    const message = `the condition of "${edge}" could not be evaluated: ${error.message}`;
    this.#decisions.warn('condition-error', message, name);
  }

  /** A letter for each outgoing edge. */
  #readEdges({ plan, place: { scope, node } }: StagedNodeRun, letters: string): void {
    outgoingEdges(scope.graph, node.position).forEach(({ id }, index) => {
      if (letters[index] === 't') this.#taken.add(plan.prefix + scope.prefix + id);
    });
  }

  #readLoop({ place, name }: StagedNodeRun, outputJson: string | null): void {
    const { exit } = JSON.parse(outputJson ?? '{}') as { exit?: string };
    if (exit !== 'max') return;
    const { maxIterations } = place.node.loop ?? {};
    const message = `"${name}" can reach its maximum of ${maxIterations}`;
    this.#decisions.warn('loop-at-maximum', message, name);
  }

  /** Final node runs of all runs, in the order in which they were decided. */
  #finals(): Observations['nodes'] {
    const finals: { node: string; status: NodeStatus; turn: number }[] = [];
    for (const run of this.#runs.all()) {
      for (const { turn, rows: changed } of run.turns) {
        for (const { node, detailJson } of changed.events) {
          const { to, from } = JSON.parse(detailJson) as { to?: NodeStatus; from?: NodeStatus };
          if (node === null || to === undefined || from === undefined || !isFinal(to)) continue;
          finals.push({ node: this.#runs.pathOf(run, node), status: to, turn });
        }
      }
    }
    finals.sort((a, b) => a.turn - b.turn);
    return finals.map(({ node, status }) => ({ node, status }));
  }
}
