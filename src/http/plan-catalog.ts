/** The plans that a server offers by name. */
import { RunchartError } from '../errors.js';
import { type CompileOptions, compilePlanOrThrow } from '../plan/compile.js';
import type { JsonObject } from '../plan/json.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { Plan } from '../plan/schema.js';

/** A plan that runs can be started of by name. */
export interface OfferedPlan {
  /** What an author wrote, as JSON. */
  readonly plan: Plan;
  /** Goes into the metadata of every run that somebody starts by this name; those of schedules have their own. */
  readonly metadata?: JsonObject;
}

export interface CatalogEntry {
  readonly name: string;
  readonly version: PlanVersion;
  readonly metadata: JsonObject;
}

export class PlanCatalog {
  readonly #entries = new Map<string, CatalogEntry>();

  /** Throws PlanInvalidError for the first plan that does not compile. */
  constructor(plans: Readonly<Record<string, OfferedPlan>>, options: CompileOptions) {
    for (const [name, { plan, metadata = {} }] of Object.entries(plans)) {
      this.#entries.set(name, { name, version: compilePlanOrThrow(plan, options), metadata });
    }
  }

  list(): readonly CatalogEntry[] {
    return [...this.#entries.values()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** Undefined where none is on offer by this name, or where it is a plan in place. */
  find(plan: string | JsonObject): CatalogEntry | undefined {
    return typeof plan === 'string' ? this.#entries.get(plan) : undefined;
  }

  /** Throws `plan-unknown`. */
  get(name: string): CatalogEntry {
    const entry = this.find(name);
    if (entry !== undefined) return entry;
    throw new RunchartError('plan-unknown', `there is no plan "${name}"`, {
      hint: `offered are: ${[...this.#entries.keys()].join(', ') || 'none'}`,
    });
  }

  /** One on offer, by its name, or one in place, which is not looked at yet. Throws `plan-unknown`. */
  planOf(plan: string | JsonObject): Plan {
    return typeof plan === 'string' ? this.get(plan).version.plan : (plan as unknown as Plan);
  }
}
