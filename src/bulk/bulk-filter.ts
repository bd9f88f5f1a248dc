/** Which runs are meant: read from what a caller sends, and asked of a run's row. Pure. */
import type { RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { RUN_STATUSES, type RunStatus } from '../machines/statuses.js';
import { canonicalJson } from '../plan/canonical.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';

/** All that is given has to be so. Runs of subplans are only meant where their ids are given. */
export interface BulkFilter {
  /** At most 10,000. */
  readonly ids?: readonly string[];
  readonly status?: readonly RunStatus[];
  /** Hash of the plan version, or title of the plan. */
  readonly plan?: string;
  /** These keys have these values. */
  readonly metadata?: JsonObject;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdBefore?: number;
  readonly createdAfter?: number;
  /** Nothing has changed in it since. */
  readonly updatedBefore?: number;
}

const MAX_IDS = 10_000;
const TIMES = ['createdBefore', 'createdAfter', 'updatedBefore'] as const;
const KEYS: ReadonlySet<string> = new Set(['ids', 'status', 'plan', 'metadata', ...TIMES]);

/** Throws `argument-invalid`; a filter that says nothing is refused, since it would mean every run. */
export function readFilter(given: unknown): BulkFilter {
  const filter = readObject(given);
  const { ids, status, plan, metadata } = filter as BulkFilter;
  refuseUnless(Object.keys(filter).length > 0, 'has to say which runs are meant');
  for (const key of Object.keys(filter)) refuseUnless(KEYS.has(key), `has no "${key}"`);
  refuseUnless(ids === undefined || isTexts(ids), 'ids is a list of texts');
  refuseUnless((ids?.length ?? 0) <= MAX_IDS, `has ${MAX_IDS} ids at most`);
  const isStatuses =
    status === undefined || (isTexts(status) && status.every((one) => RUN_STATUSES.includes(one)));
  refuseUnless(isStatuses, `status is a list of ${RUN_STATUSES.join(', ')}`);
  refuseUnless(plan === undefined || isText(plan), 'plan is a hash or a title');
  refuseUnless(metadata === undefined || isJsonObject(metadata), 'metadata is an object');
  for (const key of TIMES) {
    const time = (filter as BulkFilter)[key];
    refuseUnless(time === undefined || Number.isSafeInteger(time), `${key} is a time in ms`);
  }
  return filter as BulkFilter;
}

/** Whether a run is meant. `title` is that of its plan. */
export function isMeant(filter: BulkFilter, run: RunRecord, title: string): boolean {
  const { ids, status, plan, createdBefore, createdAfter, updatedBefore } = filter;
  if (ids === undefined ? run.parentId !== null : !ids.includes(run.id)) return false;
  if (status !== undefined && !status.includes(run.status)) return false;
  if (plan !== undefined && plan !== run.planHash && plan !== title) return false;
  if (createdBefore !== undefined && run.createdAt >= createdBefore) return false;
  if (createdAfter !== undefined && run.createdAt <= createdAfter) return false;
  if (updatedBefore !== undefined && run.updatedAt >= updatedBefore) return false;
  return hasMetadata(run, filter.metadata);
}

function hasMetadata({ metadataJson }: RunRecord, wanted: JsonObject | undefined): boolean {
  if (wanted === undefined) return true;
  const found = JSON.parse(metadataJson ?? '{}') as JsonObject;
  return Object.entries(wanted).every(([key, value]) => {
    const own = Object.hasOwn(found, key) ? found[key] : undefined;
    return own !== undefined && canonicalJson(own) === canonicalJson(value as JsonValue);
  });
}

function readObject(given: unknown): JsonObject {
  const converted = toJsonValue(given);
  if (converted.ok && isJsonObject(converted.value)) return converted.value;
  throw refusal('is an object');
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function refuseUnless(isRight: boolean, message: string): void {
  if (!isRight) throw refusal(message);
}

function refusal(message: string): RunchartError {
  return new RunchartError('argument-invalid', `the filter ${message}`);
}
