/** What a start may ask for, and how it is read: nothing is believed of it. */
import { MAX_METADATA_LENGTH } from './actors/metadata-limit.js';
import type { RunSettings } from './actors/records.js';
import { ownId, qualifyKey, TENANT_PREFIX } from './actors/tenant.js';
import { type TraceContext, traceFromHeaders } from './actors/trace-context.js';
import { RunchartError } from './errors.js';
import type { Keyed } from './keyed.js';
import { canonicalJson } from './plan/canonical.js';
import { findFourEyes } from './plan/four-eyes.js';
import { blockingIssues } from './plan/issue.js';
import { isJsonObject, type JsonObject, type JsonValue } from './plan/json.js';
import { toJsonValue } from './plan/json-values.js';
import { isName } from './plan/name.js';
import type { PlanVersion } from './plan/plan-version.js';
import { budgetSchema, type PlanBudget } from './plan/schema.js';
import { ownMetadata } from './reserved-metadata.js';
import type { Debounce, Singleton } from './schedules/keyed-starts.js';

/** What a start may ask for, beside its plan. */
export { traceFromHeaders };

/** What a start may ask for. */
export interface StartOptions<Input = unknown> extends Keyed {
  readonly input?: Input;
  /** Starting the same plan and input again under the same id is one run. */
  readonly id?: string;
  readonly metadata?: JsonObject;
  /** Who asks for the run: under four eyes he may not approve what it asks. */
  readonly requestedBy?: string;
  /** Handlers of this run that may be at work at the same time. */
  readonly concurrency?: number;
  /** From 0 to 9; where handlers are scarce 9 goes first. */
  readonly priority?: number;
  /** When it is to start, in milliseconds since the epoch. */
  readonly startAt?: number;
  /** How long it may take, in milliseconds; in place of what its plan says. */
  readonly deadlineMs?: number;
  /** What it may use up; in place of what its plan says, limit by limit. */
  readonly budget?: PlanBudget;
  /** The trace that the run belongs to; that of the caller, where one is active, unless given. */
  readonly trace?: TraceContext;
  /** Names what the run belongs to: its events have it, and so have those of all that comes of the run. Its id unless given. */
  readonly correlation?: string;
  /** Starts paused: `step` takes one step at a time. */
  readonly stepwise?: boolean;
  /** Pauses when these nodes are final. */
  readonly until?: readonly string[];
  /** At most one run of a key is unfinished at a time. Not together with `debounce`. */
  readonly singleton?: Singleton;
  /** Waits for the delay; a later start of the key meanwhile takes its place. Not together with `startAt`. */
  readonly debounce?: Debounce;
}

/** A start of which nothing but its own id decides what run it is. */
export type EmbeddedStart<Input = unknown> = Omit<StartOptions<Input>, 'singleton' | 'debounce'>;

const RUN_ID = new RegExp(`^(?:${TENANT_PREFIX})?[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$`);
const MAX_CONCURRENCY = 10_000;
const ON_CONFLICT: readonly string[] = ['return', 'refuse', 'replace'];

/** Throws `argument-invalid` where this is no id of a run. */
export function readRunId(id: string): string {
  if (typeof id === 'string' && RUN_ID.test(id)) return id;
  const shown = typeof id === 'string' ? id.slice(0, 128) : typeof id;
  throw new RunchartError('argument-invalid', `"${shown}" is no run id`, {
    hint: 'use up to 128 letters, digits, and _ . : -',
  });
}

/** The full id of a run that its tenant calls `id`. Throws `argument-invalid`, also where it names another tenant. */
export function readOwnRunId(tenant: string, id: string): string {
  const own = ownId(tenant, readRunId(id));
  if (own !== undefined) return own;
  throw new RunchartError('argument-invalid', `"${id}" is no run id here`, {
    hint: 'leave out the tenant in front of ~',
  });
}

/** The input as canonical JSON. Throws `input-invalid`. */
export function readInput(version: PlanVersion, input: unknown): string {
  const converted = toJsonValue(input === undefined ? {} : input);
  if (!converted.ok) {
    throw new RunchartError(
      'input-invalid',
      `the input is not JSON that can be kept, at ${converted.path || '/'}: ${converted.message}`,
      converted.isTooLarge
        ? { hint: 'put what is large where handlers can reach it, and name it in the input' }
        : {},
    );
  }
  const issues = blockingIssues(version.validateInputs?.(converted.value) ?? []);
  if (issues.length > 0) {
    throw new RunchartError('input-invalid', 'the input does not fit the plan', { issues });
  }
  return canonicalJson(converted.value ?? {});
}

/** As canonical text; `most` characters at most. Throws `argument-invalid`. */
export function readMetadata(
  metadata: JsonObject | undefined,
  most = MAX_METADATA_LENGTH,
): string | null {
  if (metadata === undefined) return null;
  const converted = toJsonValue(metadata);
  if (!converted.ok) {
    throw new RunchartError(
      'argument-invalid',
      `metadata is not JSON at ${converted.path}: ${converted.message}`,
    );
  }
  const { value, json = '' } = converted;
  refuseUnless(isJsonObject(value), 'metadata is an object');
  refuseUnless(json.length <= most, `metadata has ${most} characters at most`);
  return json;
}

/** Metadata that is added to a run. Throws `argument-invalid`. */
export function readAnnotation(metadata: unknown): JsonObject {
  const value = readJson(metadata, 'metadata');
  if (!isJsonObject(value)) throw new RunchartError('argument-invalid', 'metadata is an object');
  return ownMetadata(value);
}

/** A value that is JSON. Throws `argument-invalid`; `what` names it. */
export function readJson(value: unknown, what: string): JsonValue {
  const converted = toJsonValue(value);
  if (converted.ok && converted.value !== undefined) return converted.value;
  const message = converted.ok ? 'it is missing' : `${converted.path}: ${converted.message}`;
  throw new RunchartError('argument-invalid', `${what} is not JSON: ${message}`);
}

/** What a start asks for beside plan and input, as it is stored; null where it asks for nothing. */
export function readSettings(version: PlanVersion, options: StartOptions): string | null {
  const { priority, startAt, deadlineMs, budget, stepwise, until, requestedBy, correlation } =
    options;
  const trace = readTrace(options.trace);
  for (const [name, value, least] of [
    ['priority', priority, 0],
    ['startAt', startAt, 0],
    ['deadlineMs', deadlineMs, 1],
  ] as const) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) continue;
    const message = `${name} must be a whole number, ${least} or more`;
    throw new RunchartError('argument-invalid', message);
  }
  const budgetIssue =
    budget === undefined ? undefined : budgetSchema.safeParse(budget).error?.issues[0];
  if (budgetIssue !== undefined) {
    const message = `budget.${budgetIssue.path.join('.')}: ${budgetIssue.message}`;
    throw new RunchartError('argument-invalid', message);
  }
  refuseUnless(until === undefined || Array.isArray(until), 'until is a list of nodes');
  for (const node of until ?? []) {
    if (version.graph.positionOf.has(node)) continue;
    throw new RunchartError('argument-invalid', `until: the plan has no node "${String(node)}"`);
  }
  for (const [name, value] of Object.entries({ requestedBy, correlation })) {
    if (value === undefined || isName(value)) continue;
    throw new RunchartError('argument-invalid', `${name} ${KEY_SHAPE}`);
  }
  if (requestedBy === undefined) refuseWithoutRequester(version);
  const settings: RunSettings = {
    ...(priority !== undefined && { priority: Math.min(priority, 9) }),
    ...(startAt !== undefined && { startAt }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(budget !== undefined && { budget }),
    ...(requestedBy !== undefined && { requestedBy }),
    ...(trace && { trace }),
    ...(correlation !== undefined && { correlation }),
    ...(stepwise === true && { isStepwise: true }),
    ...(until !== undefined && until.length > 0 && { until: [...until] }),
  };
  return Object.keys(settings).length === 0 ? null : JSON.stringify(settings);
}

function readTrace(trace: TraceContext | undefined): TraceContext | undefined {
  if (trace === undefined) return undefined;
  const { traceparent, tracestate } = trace;
  const read = traceFromHeaders(traceparent, tracestate);
  if (read !== undefined) return read;
  throw new RunchartError('argument-invalid', 'trace.traceparent is none of W3C Trace Context');
}

/** Under four eyes it has to be known who asks. */
function refuseWithoutRequester({ graph }: PlanVersion): void {
  const node = findFourEyes(graph);
  if (node === undefined) return;
  const message = `"${node.id}" is not for who asks for the run: say who that is`;
  throw new RunchartError('requester-missing', message, { hint: 'start it with `requestedBy`' });
}

/** The keys of a start, as those of a tenant. Throws `argument-invalid`. */
export function readKeys(
  { singleton, debounce, startAt }: StartOptions,
  tenant: string,
): {
  readonly singleton?: Singleton | undefined;
  readonly debounce?: Debounce | undefined;
} {
  if (singleton !== undefined) {
    refuseUnless(isName(singleton.key), `singleton.key ${KEY_SHAPE}`);
    const policies = `singleton.onConflict is one of ${ON_CONFLICT.join(', ')}`;
    refuseUnless(ON_CONFLICT.includes(singleton.onConflict), policies);
  }
  if (debounce !== undefined) {
    const { key, delayMs } = debounce;
    refuseUnless(isName(key), `debounce.key ${KEY_SHAPE}`);
    const isDelay = Number.isSafeInteger(delayMs) && delayMs >= 1 && delayMs <= MAX_DELAY_MS;
    refuseUnless(isDelay, `debounce.delayMs is a whole number from 1 to ${MAX_DELAY_MS}`);
    refuseUnless(startAt === undefined, 'debounce says when a run starts: leave out startAt');
    refuseUnless(singleton === undefined, 'a start has either singleton or debounce');
  }
  return {
    singleton: singleton && { ...singleton, key: qualifyKey(tenant, singleton.key) },
    debounce: debounce && { ...debounce, key: qualifyKey(tenant, debounce.key) },
  };
}

const KEY_SHAPE = 'has 1 to 256 characters';
const MAX_DELAY_MS = 366 * 86_400_000;

function refuseUnless(isRight: boolean, message: string): void {
  if (!isRight) throw new RunchartError('argument-invalid', message);
}

export function readConcurrency(concurrency: number): number {
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY) {
    return concurrency;
  }
  throw new RunchartError(
    'argument-invalid',
    `concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}`,
  );
}
