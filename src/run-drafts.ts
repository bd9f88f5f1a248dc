/**
 * Makes runs ready to be started: their plan compiled and stored, its handlers there, their input
 * checked, their row drafted. Every kind of start goes through here, those of schedules and subplans too.
 */
import { createHash } from 'node:crypto';
import type { ChildStart } from './actors/child-runs.js';
import { correlationOf } from './actors/correlation.js';
import type { Environment } from './actors/environment.js';
import type { HandlerRegistry } from './actors/handler-registry.js';
import { idOfKey } from './actors/idempotency.js';
import { MAX_METADATA_LENGTH } from './actors/metadata-limit.js';
import { pastPlans } from './actors/past-plans.js';
import type { PlanCache } from './actors/plan-cache.js';
import type { Journal, RunStore } from './actors/ports.js';
import type { RunRecord, RunSettings } from './actors/records.js';
import { DEFAULT_TENANT, qualifyId, tenantOf } from './actors/tenant.js';
import { RunchartError } from './errors.js';
import { canonicalJson } from './plan/canonical.js';
import type { JsonValue } from './plan/json.js';
import type { PlanVersion } from './plan/plan-version.js';
import type { Plan } from './plan/schema.js';
import { draftOfSubplan } from './plan/subplans.js';
import { readOptions } from './read-arguments.js';
import type { ScheduledRunOptions, ScheduledStart } from './schedules/schedule.js';
import {
  readConcurrency,
  readInput,
  readMetadata,
  readRunId,
  readSettings,
  type StartOptions,
} from './start-options.js';
import type { RunOrigin } from './views.js';

export interface RunDraft {
  readonly record: RunRecord;
  readonly version: PlanVersion;
}

interface RunDraftsParts {
  readonly environment: Environment;
  readonly registry: HandlerRegistry;
  readonly journal: Journal;
  readonly store: RunStore;
  readonly plans: PlanCache;
  /** Handlers of one run at work, unless its plan or its start says otherwise. */
  readonly runConcurrency: number;
  /** Highest run number in the database. */
  readonly lastRun: number;
}

/** What makes a run of another one, and who does. */
interface Derivation {
  readonly id?: string | undefined;
  readonly origin: RunOrigin;
  readonly by: string;
  readonly asked: JsonValue;
}

export class RunDrafts {
  readonly #parts: RunDraftsParts;
  readonly #stored = new Set<string>();
  #lastRun: number;

  constructor(parts: RunDraftsParts) {
    this.#parts = parts;
    this.#lastRun = parts.lastRun;
  }

  /**
   * Throws PlanInvalidError, or a RunchartError about handlers, the input or the options. A run without an
   * id is given one of the tenant.
   */
  async draft(plan: Plan, options: StartOptions, tenant?: string): Promise<RunDraft> {
    return this.#draft(this.compile(plan), options, tenant);
  }

  /** The same run again, at another time or under further options. */
  again({ record, version }: RunDraft, options: StartOptions): RunDraft {
    return { record: this.#record(version, record.inputJson, options), version };
  }

  /** Stores a plan that nobody starts yet: this program need not be able to do its work. Rejects with PlanInvalidError. */
  async keep(plan: Plan): Promise<PlanVersion> {
    const version = this.#parts.plans.compile(plan);
    await this.#store(version);
    return version;
  }

  /** Stores a plan that a schedule is to start; throws where it could not be started with this input and these options. */
  async admit(
    plan: Plan,
    input: unknown,
    options: ScheduledRunOptions = {},
  ): Promise<{ hash: string; title: string }> {
    const version = this.compile(plan);
    readInput(version, input);
    const { metadata, concurrency, ...settings } = readOptions(options);
    // Each run has those of its occurrence as well.
    readMetadata(metadata, MAX_METADATA_LENGTH / 2);
    readSettings(version, { ...settings, requestedBy: 'schedule' });
    if (concurrency !== undefined) readConcurrency(concurrency);
    await this.#store(version);
    return { hash: version.hash, title: version.plan.title };
  }

  /** The run of an occurrence of a schedule, under the id that belongs to it. */
  async scheduled({ run, schedule, plan, input, options }: ScheduledStart): Promise<RunDraft> {
    const version = await this.version(plan);
    this.#parts.registry.assertServes(version);
    const requestedBy = `schedule/${schedule}`;
    const record = this.#record(version, readInput(version, input), {
      ...options,
      id: run,
      requestedBy,
    });
    return { record, version };
  }

  /** Compiles a plan that is to be that of a run; throws where this program could not do its work. */
  compile(plan: Plan): PlanVersion {
    const version = this.#parts.plans.compile(plan);
    this.#parts.registry.assertServes(version);
    return version;
  }

  /** A stored plan version. Rejects with `plan-unknown`. */
  async version(hash: string): Promise<PlanVersion> {
    const { plans, store } = this.#parts;
    const known = plans.get(hash);
    if (known !== undefined) return known;
    const planJson = await store.loadPlan(hash);
    if (planJson === undefined) {
      throw new RunchartError('plan-unknown', `there is no plan ${hash}`);
    }
    return plans.fromStored(hash, planJson);
  }

  /**
   * A run that comes of another one: with its input, its metadata and what its start asked for, but for
   * when to start. `asked` tells it from other runs that come of the same one.
   */
  async derived(
    of: RunRecord,
    version: PlanVersion,
    { id, origin, by, asked }: Derivation,
  ): Promise<RunDraft> {
    this.#parts.registry.assertServes(version);
    const inputJson = readInput(version, JSON.parse(of.inputJson));
    const {
      startAt: _,
      isStepwise: __,
      ...asBefore
    } = JSON.parse(of.settingsJson ?? '{}') as RunSettings;
    const { requestedBy, derivedBy = [] } = asBefore;
    const kept = {
      ...asBefore,
      correlation: correlationOf(of),
      ...(by !== requestedBy && { derivedBy: [...new Set([...derivedBy, by])] }),
    };
    const tenant = tenantOf(of.id);
    const start = {
      ...(id !== undefined && { id }),
      ...(requestedBy !== undefined && { requestedBy }),
      concurrency: of.concurrency,
    };
    const record = this.#record(version, inputJson, start, tenant);
    await this.#store(version);
    const text = canonicalJson([record.startDigest, { ...origin }, asked] as JsonValue);
    return {
      version,
      record: {
        ...record,
        startDigest: createHash('sha256').update(text).digest('hex'),
        metadataJson: of.metadataJson,
        settingsJson: JSON.stringify(kept),
        originJson: JSON.stringify(origin),
        pastPlansJson: pastPlans(of, (await this.version(of.planHash)).plan),
      },
    };
  }

  /** The run of a subplan, under the id that its parent gave it. A version that is missing here keeps its nodes waiting. */
  async child(parent: RunRecord, child: ChildStart): Promise<RunDraft> {
    const { plan: parentPlan } = await this.version(parent.planHash);
    const plan = draftOfSubplan(parentPlan, child.plan);
    if (plan === undefined) {
      throw new RunchartError('plan-unknown', `there is no plan named "${child.plan}"`);
    }
    const version = this.#parts.plans.compile(plan);
    this.#parts.registry.assertKnows(version);
    const { requestedBy } = child.settings;
    const drafted = await this.#draft(version, {
      id: child.id,
      input: child.input,
      ...(requestedBy !== undefined && { requestedBy }),
    });
    const record: RunRecord = {
      ...drafted.record,
      parentId: parent.id,
      parentNode: child.node,
      settingsJson: JSON.stringify(child.settings),
    };
    return { ...drafted, record };
  }

  async #draft(version: PlanVersion, options: StartOptions, tenant?: string): Promise<RunDraft> {
    const inputJson = readInput(version, options.input);
    const record = this.#record(version, inputJson, options, tenant);
    await this.#store(version);
    return { record, version };
  }

  /** The next run number of the database. */
  nextRun(): number {
    this.#lastRun += 1;
    return this.#lastRun;
  }

  #record(
    version: PlanVersion,
    inputJson: string,
    options: StartOptions,
    tenant = DEFAULT_TENANT,
  ): RunRecord {
    const { environment, runConcurrency } = this.#parts;
    const { idempotencyKey: key } = options;
    const made = () => qualifyId(tenant, key === undefined ? environment.id() : idOfKey(key));
    const id = readRunId(options.id ?? made());
    const now = environment.clock.now();
    return {
      run: this.nextRun(),
      id,
      planHash: version.hash,
      status: 'pending',
      inputJson,
      startDigest: createHash('sha256').update(`${version.hash}\n${inputJson}`).digest('hex'),
      metadataJson: readMetadata(options.metadata),
      concurrency: readConcurrency(
        options.concurrency ?? version.plan.concurrency ?? runConcurrency,
      ),
      createdAt: now,
      updatedAt: now,
      endedAt: null,
      reasonJson: null,
      parentId: null,
      parentNode: null,
      settingsJson: readSettings(version, options),
      usageJson: null,
      outputJson: null,
      originJson: null,
      trimmedTo: 0,
      pastPlansJson: null,
    };
  }

  async #store(version: PlanVersion): Promise<void> {
    if (this.#stored.has(version.hash)) return;
    const { journal, environment } = this.#parts;
    const planJson = canonicalJson(version.plan as unknown as JsonValue);
    await journal.storePlan(version.hash, planJson, version.plan.title, environment.clock.now());
    this.#stored.add(version.hash);
  }
}
