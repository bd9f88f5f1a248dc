/**
 * Runs as a tenant sees them, or a program that sees all: found by their ids, and shown without what their plans
 * call secret. Invariant: what belongs to another tenant is not there.
 */
import type { ArtifactStore } from './actors/ports.js';
import type { RunRecord, TaskRecord } from './actors/records.js';
import { DEFAULT_TENANT, ownId, tenantOf } from './actors/tenant.js';
import { RunchartError } from './errors.js';
import type { Plan } from './plan/schema.js';
import { readText } from './read-arguments.js';
import { type RunSecrets, SecretKeeper } from './run-secrets.js';
import type { RunRows } from './storage/run-rows.js';

/** What is too large for rows. */
export type Payloads = Pick<ArtifactStore, 'get' | 'open'>;

export class SeenRuns {
  readonly rows: RunRows;
  readonly payloads: Payloads;
  /** Undefined where all tenants are seen. */
  readonly tenant: string | undefined;
  readonly secrets: SecretKeeper;

  constructor(
    rows: RunRows,
    payloads: Payloads,
    tenant?: string,
    secrets = new SecretKeeper(rows),
  ) {
    this.rows = rows;
    this.payloads = payloads;
    this.tenant = tenant;
    this.secrets = secrets;
  }

  /** Rejects with `run-unknown`. */
  async record(id: string): Promise<RunRecord> {
    const named = readText(id, 'the id of a run');
    const own = this.tenant === undefined ? named : ownId(this.tenant, named);
    const record = own === undefined ? undefined : await this.rows.getRun(own);
    if (record !== undefined) return record;
    throw new RunchartError('run-unknown', `there is no run ${id}`, {
      hint: 'list the runs to see their ids',
    });
  }

  /** A task with the id of its run. Rejects with `task-unknown`. */
  async task(id: string): Promise<TaskRecord & { readonly runId: string }> {
    const task = await this.rows.findTask(readText(id, 'the id of a task'));
    const isOwn = this.tenant === undefined || tenantOf(task?.runId ?? '') === this.tenant;
    if (task !== undefined && isOwn) return task;
    throw new RunchartError('task-unknown', `there is no task ${id}`);
  }

  /** The plan of a version; of a tenant, one that it has stored or a run of it has. Rejects with `plan-unknown`. */
  async plan(hash: string): Promise<Plan> {
    const tenant = this.tenant ?? DEFAULT_TENANT;
    const isSeen =
      tenant === DEFAULT_TENANT ||
      (await this.rows.usesPlan(tenant, hash)) ||
      (await this.rows.storedPlans.find(tenant, hash)) !== undefined;
    if (isSeen) return this.planOf({ planHash: hash });
    throw planUnknown(hash);
  }

  /** The plan of a run that is seen. */
  async planOf({ planHash }: Pick<RunRecord, 'planHash'>): Promise<Plan> {
    const planJson = await this.rows.loadPlan(planHash);
    if (planJson === undefined) throw planUnknown(planHash);
    return JSON.parse(planJson) as Plan;
  }

  /** A view of a run, without what its plan calls secret; `inPlace` masks the places that the plan names. */
  shown<T>(record: RunRecord, view: T, inPlace?: (secrets: RunSecrets, view: T) => T): Promise<T> {
    return this.secrets.hide(record, view, inPlace);
  }
}

function planUnknown(hash: string): RunchartError {
  return new RunchartError('plan-unknown', `there is no plan ${hash}`);
}
