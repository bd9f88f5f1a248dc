/** What decides on one path of a dry run: what was given comes first, and what is left open is chosen. */
import type { JsonValue } from '../plan/json.js';
import type { Choices } from './choices.js';
import type { Outcome } from './givens.js';
import { nameOf } from './plan-index.js';
import type { Stage } from './stage.js';
import type { StagedNodeRun } from './staged-runs.js';

export interface Warning {
  readonly code: string;
  readonly message: string;
  readonly node?: string;
}

/** What a choice is about: a node run, or the run itself. */
export interface Chooser {
  /** Name in its plan, whatever the iteration. */
  readonly name: string;
  readonly path: string;
}

/** Iterations of a loop whose choices are gone through; later ones take each option in turn. */
const BRANCHING_ITERATIONS = 2;

export class Decisions {
  readonly #stage: Stage;
  readonly #choices: Choices;
  readonly #calls = new Map<string, number>();
  readonly #warnings: Warning[] = [];

  constructor(stage: Stage, choices: Choices) {
    this.#stage = stage;
    this.#choices = choices;
  }

  get warnings(): readonly Warning[] {
    return this.#warnings;
  }

  warn(code: string, message: string, node?: string): void {
    this.#warnings.push({ code, message, ...(node !== undefined && { node }) });
  }

  givenOutput({ givenNames }: StagedNodeRun): JsonValue | undefined {
    return this.#stage.outputs.get(givenNames, this.#calls);
  }

  givenAnswer({ givenNames }: StagedNodeRun): JsonValue | undefined {
    return this.#stage.answers.get(givenNames, this.#calls);
  }

  /** What a node run may come to with this input. */
  alternatives(
    { plan, place, known }: StagedNodeRun,
    input: JsonValue | undefined,
  ): readonly Outcome[] {
    const { values, isCut } = plan.alternatives(place, known, input);
    const name = nameOf(place);
    if (isCut) this.warn('too-many-alternatives', `not every output of "${name}" was tried`, name);
    return values;
  }

  /** Index of the option that is taken. */
  pick({ name, path }: Chooser, options: readonly string[]): number {
    const iteration = Math.max(1, ...[...path.matchAll(/\[(\d+)\]\//g)].map(([, n]) => Number(n)));
    if (iteration <= BRANCHING_ITERATIONS || options.length < 2) {
      return this.#choices.pick(name, path, options);
    }
    const message = `choices in iterations after the first ${BRANCHING_ITERATIONS} are not all gone through`;
    this.warn('choices-not-branched', message, name);
    return (iteration - 1) % options.length;
  }
}
