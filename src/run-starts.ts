/**
 * Starts runs, for callers, schedules and parents of subplans alike. Invariants: a run is durable before its
 * start is answered; of starts under one key the first decides, and the others meet its run.
 */
import { type KeyedCall, keyedCall } from './actors/idempotency.js';
import type { Started, Supervisor } from './actors/supervisor.js';
import type { KeyedCalls } from './keyed-calls.js';
import type { PlanFor } from './plan/builder.js';
import type { JsonValue } from './plan/json.js';
import type { RunDraft, RunDrafts } from './run-drafts.js';
import type { RunWatch, StartedRun } from './run-watch.js';
import type {
  Debounce,
  KeyedRun,
  KeyedStart,
  KeyedStarts,
  Singleton,
} from './schedules/keyed-starts.js';
import { readKeys, type StartOptions } from './start-options.js';
import type { RunTracing } from './telemetry/run-tracing.js';

export interface RunStartsParts {
  readonly supervisor: Supervisor;
  readonly drafts: RunDrafts;
  readonly keyed: KeyedStarts;
  readonly calls: KeyedCalls;
  readonly tracing: RunTracing;
  readonly watch: RunWatch;
}

export class RunStarts {
  readonly #parts: RunStartsParts;

  constructor(parts: RunStartsParts) {
    this.#parts = parts;
  }

  /** Starts a run of a tenant. Rejects as `start` of the orchestrator. */
  async start<Input>(
    plan: PlanFor<Input>,
    options: StartOptions<Input>,
    tenant: string,
  ): Promise<StartedRun> {
    const { drafts, calls, watch } = this.#parts;
    const { singleton, debounce } = readKeys(options, tenant);
    const draft = await drafts.draft(plan, options, tenant);
    const call = callOfStart(draft, options);
    const isFresh = options.id === undefined && call === undefined;
    const { id } = draft.record;
    if (singleton === undefined && debounce === undefined) {
      const { created } = await this.begin(draft, isFresh, call);
      return { ...watch.handle(id), created };
    }
    const begin = (startAt = options.startAt) => {
      // Drafted anew: it may have waited for another run to end.
      const delayed = { ...options, id, ...(startAt !== undefined && { startAt }) };
      return this.begin(drafts.again(draft, delayed), isFresh, call);
    };
    const start = () => this.#startKeyed({ id, begin }, singleton, debounce);
    const keyed = await (call === undefined ? start() : calls.once(call, tenant, start));
    return { ...watch.handle(keyed.id), created: keyed.created };
  }

  /** Begins a run that is drafted. `isFresh`: its id was made for it, so that nobody can have stored it before. */
  begin(draft: RunDraft, isFresh = false, call?: KeyedCall): Promise<Started> {
    const { supervisor, tracing } = this.#parts;
    const { record, version } = draft;
    return tracing.start(record, version.plan.title, (traced) =>
      supervisor.start({ isFresh, version, record: traced }, { type: 'run.start' }, call),
    );
  }

  #startKeyed(
    run: KeyedRun,
    singleton: Singleton | undefined,
    debounce: Debounce | undefined,
  ): Promise<KeyedStart> {
    const { keyed } = this.#parts;
    if (singleton !== undefined) return keyed.single(singleton, run);
    return keyed.debounce(debounce as Debounce, run);
  }
}

/** The call that a start is, where it has a key: plan, input and all that it asks for. */
function callOfStart(
  { record }: RunDraft,
  { idempotencyKey: key, id, singleton, debounce }: StartOptions,
): KeyedCall | undefined {
  if (key === undefined) return undefined;
  const { startDigest, metadataJson, concurrency, settingsJson } = record;
  const asked = { startDigest, metadataJson, concurrency, settingsJson, id, singleton, debounce };
  return keyedCall(key, JSON.parse(JSON.stringify(asked)) as JsonValue);
}
