/** Which events somebody wants: by type with wildcards, and by what is known of their run. */
import type { LoggedEvent, LogRows } from '../actors/delivery-records.js';
import { DEFAULT_TENANT, tenantOf } from '../actors/tenant.js';
import { RunchartError } from '../errors.js';
import { canonicalJson } from '../plan/canonical.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';
import { readOptions } from '../read-arguments.js';

/** Which events are wanted; all that is given has to fit. */
export interface EventFilter {
  /** Types, of which one has to fit: `run.completed`, `node.*`, `*.failed`, `*`. All of them unless given. */
  readonly types?: readonly string[] | undefined;
  /** Ids of runs. */
  readonly runs?: readonly string[] | undefined;
  /** Title of the run's plan, or hash of its version. */
  readonly plan?: string | undefined;
  /** Keys of the run's metadata with their values. */
  readonly metadata?: JsonObject | undefined;
}

/** Most types, runs or keys of metadata that a filter names. */
const MAX_NAMES = 100;
const MAX_NAME_LENGTH = 1_024;
/** Titles of plans that are kept. */
const MAX_TITLES = 1_000;
const TYPE = /^(?:\*|[a-z][a-z-]*)(?:\.(?:\*|[a-z][a-z-]*))*$/;

/** What a filter may not be, each a sentence; none where it is right. */
export function problemsOf(filter: EventFilter): string[] {
  const { types, runs, plan, metadata } = readOptions(filter);
  const problems: string[] = [];
  if (types !== undefined && !isListOf(types, (type) => TYPE.test(type))) {
    problems.push(
      'types has 1 to 100 types of events, such as "run.completed", "node.*", "*.failed" or "*"',
    );
  }
  if (runs !== undefined && !isListOf(runs, (run) => run !== '')) {
    problems.push('runs has 1 to 100 ids of runs');
  }
  if (plan !== undefined && !isText(plan)) {
    problems.push('plan is the title of a plan, or the hash of a version');
  }
  if (metadata !== undefined && !isRecord(metadata)) {
    problems.push('metadata is an object of at most 100 keys with JSON values');
  }
  return problems;
}

/** Throws `argument-invalid`. */
export function assertFilter(filter: EventFilter): void {
  const [problem] = problemsOf(filter);
  if (problem !== undefined) throw new RunchartError('argument-invalid', problem);
}

/** Decides whether an event is wanted. Titles of plans are looked up once and kept. */
export class EventMatcher {
  readonly #tenant: string;
  readonly #types: readonly RegExp[] | undefined;
  readonly #runs: ReadonlySet<string> | undefined;
  readonly #plan: string | undefined;
  readonly #metadata: ReadonlyMap<string, string> | undefined;
  readonly #titles = new Map<string, string | undefined>();
  readonly #log: Pick<LogRows, 'planTitle'>;

  /** Of the default tenant, whose installation it is, events of all tenants match; of another one its own alone. */
  constructor(
    { types, runs, plan, metadata }: EventFilter,
    log: Pick<LogRows, 'planTitle'>,
    tenant = DEFAULT_TENANT,
  ) {
    this.#log = log;
    this.#tenant = tenant;
    this.#types = types?.includes('*') ? undefined : types?.map(toExpression);
    this.#runs = runs && new Set(runs);
    this.#plan = plan;
    this.#metadata =
      metadata && new Map(Object.entries(metadata).map(([key, value]) => [key, textOf(value)]));
  }

  async matches({ runId, planHash, metadataJson, event }: LoggedEvent): Promise<boolean> {
    if (this.#tenant !== DEFAULT_TENANT && tenantOf(runId) !== this.#tenant) return false;
    if (this.#types?.some((type) => type.test(event.type)) === false) return false;
    if (this.#runs?.has(runId) === false) return false;
    if (this.#metadata !== undefined && !this.#hasMetadata(metadataJson)) return false;
    return this.#plan === undefined || this.#plan === planHash || this.#hasTitle(planHash);
  }

  #hasMetadata(metadataJson: string | null): boolean {
    const metadata = JSON.parse(metadataJson ?? '{}') as JsonObject;
    return [...(this.#metadata ?? [])].every(
      ([key, text]) => Object.hasOwn(metadata, key) && textOf(metadata[key]) === text,
    );
  }

  async #hasTitle(hash: string): Promise<boolean> {
    if (this.#titles.size >= MAX_TITLES) this.#titles.clear();
    if (!this.#titles.has(hash)) this.#titles.set(hash, await this.#log.planTitle(hash));
    return this.#titles.get(hash) === this.#plan;
  }
}

/** A `*` stands for one part of the type. */
function toExpression(type: string): RegExp {
  const parts = type.split('.').map((part) => (part === '*' ? '[^.]+' : part));
  return new RegExp(`^${parts.join('\\.')}$`);
}

function textOf(value: JsonValue | undefined): string {
  return canonicalJson(value ?? null);
}

function isListOf(list: unknown, isRight: (text: string) => boolean): boolean {
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_NAMES) return false;
  return list.every((text) => isText(text) && isRight(text));
}

function isText(text: unknown): text is string {
  return typeof text === 'string' && text.length <= MAX_NAME_LENGTH && text.isWellFormed();
}

function isRecord(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.keys(value).length <= MAX_NAMES && toJsonValue(value).ok;
}
