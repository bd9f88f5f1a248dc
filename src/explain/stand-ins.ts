/** What works in the place of handlers on one path of a dry run. */
import type { HandlerContext } from '../actors/handlers.js';
import type { JsonValue } from '../plan/json.js';
import type { Decisions } from './decisions.js';
import { describeOutcome, type Outcome, toOutcome } from './givens.js';
import type { StagedNodeRun, StagedRuns } from './staged-runs.js';

export class StandIns {
  readonly #runs: StagedRuns;
  readonly #decisions: Decisions;
  readonly #fails: boolean;
  /** By node run: further attempts of it come to the same. */
  readonly #outcomes = new Map<string, Outcome>();

  /** `fails`: each action may fail, too. */
  constructor(runs: StagedRuns, decisions: Decisions, fails: boolean) {
    this.#runs = runs;
    this.#decisions = decisions;
    this.#fails = fails;
  }

  /** Does what the handler of an attempt would do. */
  work(input: JsonValue | undefined, context: HandlerContext): unknown {
    const nodeRun = this.#runs.nodeRun(this.#runs.run(context.run), context.node);
    if (nodeRun === undefined) return {};
    // What is asked of a node of people judges an answer to it.
    if (nodeRun.place.node.human !== undefined) {
      return this.#decisions.pick(nodeRun, ['checks fulfilled', 'checks refuse']) === 0;
    }
    const outcome = this.#outcomeOf(nodeRun, context, input);
    if (outcome.is === 'failure') throw failureOf(outcome.class);
    const { plan, place } = nodeRun;
    const { output, action } = outcome;
    return {
      ok: true,
      ...(output !== undefined && { output }),
      ...(action !== undefined && { action }),
      ...(place.as === 'node' && { artifacts: plan.deliver(place) }),
    };
  }

  #outcomeOf(
    nodeRun: StagedNodeRun,
    { generation, attempt }: HandlerContext,
    input: JsonValue | undefined,
  ): Outcome {
    const { path, isSubstitute } = nodeRun;
    const given = isSubstitute ? undefined : this.#decisions.givenOutput(nodeRun);
    if (given !== undefined) return toOutcome(given);
    const key = `${path} ${generation}${isSubstitute ? ` ${attempt}` : ''}`;
    const known = this.#outcomes.get(key);
    if (known !== undefined) return known;
    const found = this.#alternatives(nodeRun, input);
    const picked = this.#decisions.pick(nodeRun, found.map(describeOutcome));
    const outcome = found[picked] as Outcome;
    this.#outcomes.set(key, outcome);
    return outcome;
  }

  #alternatives(nodeRun: StagedNodeRun, input: JsonValue | undefined): readonly Outcome[] {
    const { plan, place, isSubstitute } = nodeRun;
    const failure = this.#fails ? [{ is: 'failure', class: 'exception' } as const] : [];
    if (place.as === 'compensation') return [outputOf({})];
    if (place.as === 'item') {
      const sample = plan.sample(place);
      const isChunk = place.node.map?.chunkSize !== undefined && Array.isArray(input);
      const result = outputOf(isChunk ? input.map(() => sample) : sample);
      // One item stands for all.
      return place.item === 0 ? [result, ...failure] : [result];
    }
    if (isSubstitute) return [outputOf(plan.sample(place)), ...failure];
    return [...this.#decisions.alternatives(nodeRun, input), ...failure];
  }
}

function outputOf(output: JsonValue): Outcome {
  return { is: 'output', output, action: undefined };
}

function failureOf(failureClass: string): Error {
  const details = { class: failureClass, code: 'simulated', retryable: true };
  return Object.assign(new Error(`a simulated failure of class ${failureClass}`), details);
}
