/** The plan versions of one run, compiled when its events come to them. Throws `run-unrestorable`. */
import { RunchartError } from '../errors.js';
import { compilePlan } from '../plan/compile.js';
import { UNEVALUATED } from '../plan/evaluator.js';
import { formatIssues } from '../plan/issue.js';
import type { PlanVersion } from '../plan/plan-version.js';

/** Plan versions that the events of a run name, compiled when they come. */
export class PlanVersions {
  readonly #load: (hash: string) => Promise<string | undefined>;
  readonly #versions = new Map<string, PlanVersion>();

  /** `load` gives the canonical JSON of a version. */
  constructor(load: (hash: string) => Promise<string | undefined>) {
    this.#load = load;
  }

  get(hash: string): PlanVersion | undefined {
    return this.#versions.get(hash);
  }

  /** Loads the version that an event names; gives its hash where it is named for the first time. */
  async prepare(detailJson: string): Promise<string | undefined> {
    if (!detailJson.includes('"plan":"sha256:')) return undefined;
    const { plan } = JSON.parse(detailJson) as { plan?: string };
    if (plan === undefined || this.#versions.has(plan)) return undefined;
    const planJson = await this.#load(plan);
    if (planJson === undefined) return undefined;
    const compiled = compilePlan(JSON.parse(planJson), { evaluators: () => UNEVALUATED });
    if (!compiled.ok || compiled.version.hash !== plan) {
      const why = compiled.ok ? 'it does not fit its hash' : formatIssues(compiled.issues);
      throw new RunchartError('run-unrestorable', `plan ${plan} does not compile: ${why}`);
    }
    this.#versions.set(plan, compiled.version);
    return plan;
  }
}
