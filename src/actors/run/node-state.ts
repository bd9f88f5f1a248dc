/** What a run knows of one of its node runs beside the statechart: its values and the row they go to. */
import type { Reason } from '../../machines/node-run-events.js';
import type { NodeStatus } from '../../machines/statuses.js';
import type { JsonValue } from '../../plan/json.js';
import type { CompiledNode, NodeView } from '../../plan/plan-version.js';
import type { NodeRunRecord } from '../records.js';

export class NodeState {
  readonly node: string;
  readonly generation: number = 1;
  attempt = 0;
  /** Number of its newest event. */
  seq = 0;
  outcome: string | null = null;
  action: string | null = null;
  reason: Reason | null = null;
  /** Outcomes of its outgoing edges, a letter each. */
  edges = '';
  artifacts: { [name: string]: JsonValue } | undefined;
  #input: JsonValue | undefined;
  #inputJson: string | null = null;
  #output: JsonValue | undefined;
  #outputJson: string | null = null;

  constructor(node: string) {
    this.node = node;
  }

  static fromRecord(record: NodeRunRecord): NodeState {
    const state = new NodeState(record.node);
    state.attempt = record.attempt;
    state.seq = record.seq;
    state.outcome = record.outcome;
    state.action = record.action;
    state.edges = record.edges;
    state.reason = record.reasonJson === null ? null : (JSON.parse(record.reasonJson) as Reason);
    state.#inputJson = record.inputJson;
    state.#input = parse(record.inputJson);
    state.#outputJson = record.outputJson;
    state.#output = parse(record.outputJson);
    return state;
  }

  get input(): JsonValue | undefined {
    return this.#input;
  }

  /** A copy of the input that its receiver may change. */
  copyInput(): JsonValue | undefined {
    return parse(this.#inputJson);
  }

  get output(): JsonValue | undefined {
    return this.#output;
  }

  setInput(value: JsonValue | undefined): void {
    this.#input = value;
    this.#inputJson = value === undefined ? null : JSON.stringify(value);
  }

  /** `json` is `value` as JSON text. */
  setOutput(value: JsonValue | undefined, json: string | null): void {
    this.#output = value;
    this.#outputJson = json;
  }

  /** The output that the plan declares for a node that failed under a policy that tolerates it. */
  setDefaultOutput({ defaultOutput }: CompiledNode): void {
    this.setOutput(
      defaultOutput,
      defaultOutput === undefined ? null : JSON.stringify(defaultOutput),
    );
  }

  /** What conditions and maps may see of it. */
  view(): NodeView {
    return {
      input: this.#input,
      output: this.#output,
      outcome: this.outcome ?? undefined,
      artifacts: this.artifacts,
    };
  }

  toRecord(run: number, status: NodeStatus, updatedAt: number): NodeRunRecord {
    return {
      run,
      node: this.node,
      status,
      generation: this.generation,
      attempt: this.attempt,
      seq: this.seq,
      inputJson: this.#inputJson,
      outputJson: this.#outputJson,
      outcome: this.outcome,
      action: this.action,
      reasonJson: this.reason === null ? null : JSON.stringify(this.reason),
      edges: this.edges,
      updatedAt,
    };
  }
}

function parse(json: string | null): JsonValue | undefined {
  return json === null ? undefined : (JSON.parse(json) as JsonValue);
}
