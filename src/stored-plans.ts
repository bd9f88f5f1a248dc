/**
 * Plan versions that are stored by themselves, before any run of them. Invariants: a version is known by its
 * hash, and stored again it is the same one; a tenant sees its own.
 */
import { nameOf } from './acting-principal.js';
import type { Clock } from './actors/environment.js';
import type { Journal, StoredPlanRows } from './actors/ports.js';
import type { Principal, StoredPlanRecord } from './actors/records.js';
import { DEFAULT_TENANT } from './actors/tenant.js';
import { durable } from './durable.js';
import { RunchartError } from './errors.js';
import type { PlanVersion } from './plan/plan-version.js';
import type { Plan } from './plan/schema.js';
import { readLimit, readOptions, readRemark, readTextIfGiven } from './read-arguments.js';

/** A plan version that was stored by itself. */
export interface StoredPlan {
  /** Names the version, for whoever starts a run of it. */
  readonly hash: string;
  readonly title: string;
  /** When it was stored first, in milliseconds since the epoch. */
  readonly at: number;
  readonly by: string | null;
}

/** Which versions to list. */
export interface StoredPlanFilter {
  /** Versions of the plan with this title; of all plans unless given. */
  readonly title?: string | undefined;
  /** Most versions to return; 100 unless given, 1,000 at most. */
  readonly limit?: number | undefined;
  /** Hash of the version that ended the page before. */
  readonly before?: string | undefined;
}

export interface StoredPlansParts {
  readonly journal: Pick<Journal, 'write'>;
  readonly rows: StoredPlanRows;
  readonly clock: Pick<Clock, 'now'>;
  /** Compiles a plan and stores its version; throws PlanInvalidError. */
  keep(plan: Plan): Promise<PlanVersion>;
}

/** Plan versions of one tenant that were stored by themselves. */
export class StoredPlans {
  readonly #parts: StoredPlansParts;
  readonly #tenant: string;
  readonly #principal: Principal | undefined;

  /** Of a tenant, and for one principal of it who stores them, where one is known. */
  constructor(parts: StoredPlansParts, tenant = DEFAULT_TENANT, principal?: Principal) {
    this.#parts = parts;
    this.#tenant = tenant;
    this.#principal = principal;
  }

  /**
   * Stores a plan without starting it; its handlers need not be there. `created` is false where the tenant had
   * stored it before. Rejects with PlanInvalidError, `principal-mismatch`, `commit-failed`.
   */
  async store(
    plan: Plan,
    options: { readonly by?: string | undefined } = {},
  ): Promise<StoredPlan & { readonly created: boolean }> {
    const { rows, journal, clock } = this.#parts;
    const by = readRemark(nameOf(this.#principal, readOptions(options).by), '`by`');
    const { hash, plan: whole } = await this.#parts.keep(plan);
    const known = await rows.find(this.#tenant, hash);
    if (known !== undefined) return { ...toStoredPlan(known), created: false };
    const record = { tenant: this.#tenant, hash, title: whole.title, at: clock.now(), by };
    await durable(journal.write([{ type: 'stored-plan.put', record }]));
    // Another call may have been first.
    const stored = (await rows.find(this.#tenant, hash)) ?? record;
    return { ...toStoredPlan(stored), created: true };
  }

  /** Newest first. Rejects with `plan-unknown` where `before` is none of them. */
  async list(filter: StoredPlanFilter = {}): Promise<readonly StoredPlan[]> {
    const { title, limit = 100, before } = readOptions(filter);
    const { rows } = this.#parts;
    readTextIfGiven(title, 'the title');
    readTextIfGiven(before, '`before`');
    const last = before === undefined ? undefined : await rows.find(this.#tenant, before);
    if (before !== undefined && last === undefined) {
      throw new RunchartError('plan-unknown', `there is no stored plan ${before}`);
    }
    const page = { tenant: this.#tenant, title, limit: readLimit(limit), before: last };
    return (await rows.list(page)).map(toStoredPlan);
  }
}

function toStoredPlan({ hash, title, at, by }: StoredPlanRecord): StoredPlan {
  return { hash, title, at, by };
}
