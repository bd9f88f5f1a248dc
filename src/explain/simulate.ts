/**
 * Dry-runs a plan without its handlers: the real engine goes each way that outputs, answers, failures
 * and deadlines can lead, and what can be reached is listed. Deterministic for a seed.
 */
import { RunchartError } from '../errors.js';
import type { NodeStatus, RunStatus } from '../machines/statuses.js';
import { type CompileOptions, compilePlanOrThrow } from '../plan/compile.js';
import { blockingIssues } from '../plan/issue.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { Plan } from '../plan/schema.js';
import { draftOfSubplan } from '../plan/subplans.js';
import { type Choice, Frontier } from './choices.js';
import type { Warning } from './decisions.js';
import { type DryRun, dryRun } from './dry-run.js';
import type { SeenResult } from './observations.js';
import { nameOf, PlanIndex } from './plan-index.js';
import { Stage } from './stage.js';
import { withoutChecks } from './without-checks.js';

/** What a dry run assumes. */
export interface SimulateOptions extends CompileOptions {
  /** Input of the run; sampled unless given. */
  readonly input?: JsonValue;
  /**
   * Outputs by node, in place of samples: a value, `{action, output?}` or `{fails: class}`; or a list
   * of these for successive calls, the last of which goes on. Of signals it is the payload.
   */
  readonly outputs?: Readonly<Record<string, JsonValue>>;
  /** Responses of people by node, or in short `approved`, `rejected`, `changes-requested`, `deadline passed`. */
  readonly answers?: Readonly<Record<string, JsonValue>>;
  /** Each action may fail, too. */
  readonly failures?: boolean;
  /** The same seed gives the same simulation; 1 unless given. */
  readonly seed?: number;
  /** Paths that are gone at most; 200 unless given. */
  readonly maxPaths?: number;
  /** Things that may happen on one path; 10,000 unless given. */
  readonly maxSteps?: number;
}

/** One way through the plan. */
export interface SimulatedPath {
  readonly choices: readonly Choice[];
  /** Node runs in the order in which they became final. */
  readonly nodes: readonly { readonly node: string; readonly status: NodeStatus }[];
  readonly status: RunStatus;
  /** Why it failed. */
  readonly reason: JsonObject | null;
  /** Simulated time; actions take none. */
  readonly durationMs: number;
  /** Whether it met a limit before its end. */
  readonly isCut: boolean;
}

/** A condition that a dry run could not decide, and why. */
export interface UndeterminedCondition {
  readonly edge: string;
  readonly condition: string;
  /** What it came to, whatever was tried. */
  readonly seen: readonly SeenResult[];
}

/** What a dry run found. */
export interface Simulation {
  /** Hash of the plan version. */
  readonly plan: string;
  readonly seed: number;
  readonly paths: readonly SimulatedPath[];
  /** Nodes that became ready on no path: `loop/node` in the body of a loop, `plan:node` in a subplan. */
  readonly neverReached: readonly string[];
  /** Edges that were taken on no path. */
  readonly neverTaken: readonly string[];
  /** Conditions on values nobody gave that were never both true and false. */
  readonly undetermined: readonly UndeterminedCondition[];
  /** Whether all alternatives were gone through, and every condition came out both ways. */
  readonly isComplete: boolean;
  readonly warnings: readonly Warning[];
}

const DEFAULT_PATHS = 200;
const DEFAULT_STEPS = 10_000;
/** Warnings after which there is more than was gone through. */
const INCOMPLETE: ReadonlySet<string> = new Set([
  'path-cut',
  'choices-not-branched',
  'too-many-alternatives',
]);

/** Rejects with PlanInvalidError, and with `input-invalid` or `response-invalid` where what is given does not fit. */
export async function simulatePlan(
  plan: Plan | PlanVersion,
  options: SimulateOptions = {},
): Promise<Simulation> {
  const { seed = 1, maxPaths = DEFAULT_PATHS, maxSteps = DEFAULT_STEPS } = options;
  const version = 'graph' in plan ? plan : compilePlanOrThrow(plan, options);
  const stage = new Stage(withoutChecks(version, options), { ...options, seed, maxSteps });
  assertInput(stage);
  const frontier = new Frontier();
  const paths: SimulatedPath[] = [];
  const coverage = new Coverage(stage);
  while (paths.length < maxPaths && !frontier.isEmpty) {
    const choices = frontier.next();
    const run = await dryRun(stage, choices);
    frontier.extend(choices);
    coverage.add(run);
    const { nodes, status, reason, durationMs, isCut } = run;
    paths.push({ choices: choices.list(), nodes, status, reason, durationMs, isCut });
  }
  const undetermined = coverage.undetermined();
  const warnings = coverage.warnings();
  const isAll = frontier.isEmpty && !warnings.some(({ code }) => INCOMPLETE.has(code));
  return {
    plan: version.hash,
    seed,
    paths,
    ...coverage.never(),
    undetermined,
    isComplete: isAll && undetermined.length === 0,
    warnings,
  };
}

/** Refuses to go on with an input that the plan refuses. */
function assertInput({ inputs: [input], isInputGiven, root }: Stage): void {
  const issues = blockingIssues(root.index.version.validateInputs?.(input) ?? []);
  if (issues.length === 0) return;
  const message = isInputGiven
    ? 'the input does not fit the plan'
    : 'no input was found that fits the plan';
  const hint = isInputGiven ? {} : { hint: 'give an input' };
  throw new RunchartError('input-invalid', message, { issues, ...hint });
}

/** What all paths together have shown. */
class Coverage {
  readonly #stage: Stage;
  readonly #reached = new Set<string>();
  readonly #taken = new Set<string>();
  readonly #conditions = new Map<string, Set<SeenResult>>();
  readonly #warnings = new Map<string, Warning>();

  constructor(stage: Stage) {
    this.#stage = stage;
    if (!stage.isInputCut) return;
    this.#warn({ code: 'too-many-alternatives', message: 'not every input was tried' });
  }

  add({ reached, taken, conditions, warnings }: DryRun): void {
    for (const name of reached) this.#reached.add(name);
    for (const name of taken) this.#taken.add(name);
    for (const warning of warnings) this.#warn(warning);
    for (const [edge, seen] of conditions) {
      const all = this.#conditions.get(edge) ?? new Set();
      for (const result of seen) all.add(result);
      this.#conditions.set(edge, all);
    }
  }

  never(): Pick<Simulation, 'neverReached' | 'neverTaken'> {
    const neverReached: string[] = [];
    const neverTaken: string[] = [];
    for (const { index, prefix } of this.#allPlans()) {
      for (const place of index.places()) {
        const name = prefix + nameOf(place);
        if (!this.#reached.has(name)) neverReached.push(name);
      }
      for (const scope of index.scopes) {
        for (const { id } of scope.graph.edges) {
          const name = prefix + scope.prefix + id;
          if (!this.#taken.has(name)) neverTaken.push(name);
        }
      }
    }
    return { neverReached, neverTaken };
  }

  undetermined(): readonly UndeterminedCondition[] {
    return this.#stage.plans.flatMap(({ index, prefix }) =>
      index.readers.flatMap(({ edge, condition, place, origins }) => {
        if (edge === undefined) return [];
        const name = prefix + place.scope.prefix + edge.id;
        const seen = this.#conditions.get(name);
        if (seen === undefined || (seen.has('true') && seen.has('false'))) return [];
        const isOpen = origins.some((origin) => !this.#isGiven(origin.place, prefix));
        if (!isOpen) return [];
        return [{ edge: name, condition: condition.text, seen: [...seen] }];
      }),
    );
  }

  warnings(): readonly Warning[] {
    this.#warnOfUnknown();
    for (const { unsampled } of this.#stage.plans) {
      for (const node of unsampled) {
        const message = `no output was found for "${node}" that fits its schema: {} was taken`;
        this.#warn({ code: 'not-sampled', message, node });
      }
    }
    return [...this.#warnings.values()];
  }

  /** Nodes that something was given for, and that are in none of the plans. */
  #warnOfUnknown(): void {
    const { outputs, answers } = this.#stage;
    const ids = new Set(
      [...this.#allPlans()].flatMap(({ index }) => index.places().map(({ node }) => node.id)),
    );
    for (const key of [...outputs.keys, ...answers.keys]) {
      const id = /([^/>:~ ]+?)(?:\[\d*\])?$/.exec(key)?.[1] ?? key;
      if (ids.has(id)) continue;
      this.#warn({
        code: 'unknown-node',
        message: `something is given for "${key}", which is no node`,
      });
    }
  }

  #isGiven(place: Parameters<typeof nameOf>[0] | undefined, prefix: string): boolean {
    const { isInputGiven, outputs, answers } = this.#stage;
    if (place === undefined) return isInputGiven;
    const names = [prefix + nameOf(place), nameOf(place), place.node.id];
    return outputs.has(names) || answers.has(names);
  }

  #warn(warning: Warning): void {
    const key = `${warning.code} ${warning.node ?? ''} ${warning.message}`;
    if (!this.#warnings.has(key)) this.#warnings.set(key, warning);
  }

  /** The plan and all that its subplans run, also those that no path has come by. */
  *#allPlans(): Iterable<{ readonly index: PlanIndex; readonly prefix: string }> {
    const { root, plans } = this.#stage;
    const { plan, hash } = root.index.version;
    const seen = new Set([hash]);
    yield root;
    for (const name of Object.keys(plan.plans ?? {})) {
      const draft = draftOfSubplan(plan, name);
      const version = draft && compilePlanOrThrow(draft, this.#stage);
      if (version === undefined || seen.has(version.hash)) continue;
      seen.add(version.hash);
      const staged = plans.find(({ index }) => index.version.hash === version.hash);
      yield staged ?? { index: new PlanIndex(version), prefix: `${name}:` };
    }
  }
}
