/**
 * Turns what a handler returned or threw into a verdict on the attempt. Nothing is believed: values
 * must be JSON, the output and its artifacts must be what the node's author asked for. Pure.
 */
import type { Failure } from '../../machines/node-run-events.js';
import type { Issue } from '../../plan/issue.js';
import { blockingIssues } from '../../plan/issue.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../plan/json.js';
import { toJsonValue } from '../../plan/json-values.js';
import type { CompiledNode } from '../../plan/plan-version.js';
import type { HandlerReturn, ReturnedValue, SpilledPayload } from '../messages.js';
import { asResultRecord } from '../result-record.js';
import {
  type AssessedArtifact,
  completionIssues,
  failureClassOf,
  type Surroundings,
} from './assess-completion.js';
import { failure } from './failure.js';

/** Nodes and edges that a node adds to the plan of its run, before anything is believed of them. */
export interface Additions {
  readonly nodes: readonly JsonValue[];
  readonly edges: readonly JsonValue[];
}

export interface ProducedArtifact extends AssessedArtifact {
  /** Where the payload is kept outside of rows, and how large it is. */
  readonly spilled: { readonly digest: string | null; readonly bytes: number } | undefined;
}

/** What an attempt produced, as far as it holds together. */
export interface Product {
  readonly output: JsonValue | undefined;
  /** `output` as JSON text. */
  readonly outputJson: string | null;
  readonly action: string | null;
  readonly artifacts: readonly ProducedArtifact[];
  readonly notes: JsonValue | undefined;
  /** What it cost, as `{cost?, tokens?}`. */
  readonly usage: JsonObject | undefined;
  /** Nodes and edges that it adds to the plan of its run. */
  readonly additions: Additions | undefined;
  /** Facts that the handler wants in the run's log. */
  readonly reports: readonly { readonly name: string; readonly detail: JsonValue | undefined }[];
}

export type Verdict =
  | { readonly ok: true; readonly product: Product; readonly issues: readonly Issue[] }
  | {
      readonly ok: false;
      readonly failure: Failure;
      readonly product: Product;
      readonly issues: readonly Issue[];
    };

const ARTIFACT_LIMIT = 1_000;
const REPORT_LIMIT = 100;
const NAME_LIMIT = 200;

const NOWHERE: Surroundings = {
  scope: {
    inputs: null,
    input: undefined,
    output: undefined,
    outcome: undefined,
    node: () => undefined,
  },
  about: {},
};

const NOTHING: Product = {
  output: undefined,
  outputJson: null,
  action: null,
  artifacts: [],
  notes: undefined,
  usage: undefined,
  additions: undefined,
  reports: [],
};

/** `surroundings` is what checks see beside the result itself. */
export function assessResult(
  node: CompiledNode,
  result: HandlerReturn,
  surroundings: Surroundings = NOWHERE,
): Verdict {
  switch (result.type) {
    case 'aborted':
      return refuse(failure('cancelled', 'aborted', 'the attempt was aborted', false));
    case 'threw':
      return refuse(describeError(result.error));
    case 'returned':
      return assessValue(node, result, surroundings);
  }
}

function assessValue(
  node: CompiledNode,
  { value, spilled, fault }: ReturnedValue,
  surroundings: Surroundings,
): Verdict {
  const converted = toJsonValue(value);
  if (!converted.ok) {
    const at = converted.path === '' ? 'the result' : `the result at ${converted.path}`;
    return refuse(failure('not-json', 'result-not-json', `${at}: ${converted.message}`, false));
  }
  const record = asResultRecord(converted.value);
  if (record === undefined) {
    const product = { ...NOTHING, output: converted.value, outputJson: converted.json ?? null };
    return assessProduct(node, product, surroundings);
  }
  const product = readProduct(record, spilled);
  if ('failure' in product) return refuse(product.failure);
  if (isFailureRecord(record)) return refuse(describeError(record.error, record), product);
  // Done again the work would come to the same, and where to keep it is not its affair.
  if (fault !== undefined)
    return refuse(failure('artifact', fault.code, fault.message, false), product);
  return assessProduct(node, product, surroundings);
}

function isFailureRecord(record: JsonObject): boolean {
  return record.ok === false || (record.error ?? null) !== null;
}

function readProduct(
  record: JsonObject,
  spilled: ReturnedValue['spilled'],
): Product | { failure: Failure } {
  const { action, artifacts, notes, events } = record;
  if (action !== undefined && action !== null && !isName(action)) {
    return { failure: malformed('action must be a non-empty string') };
  }
  const produced = readList(artifacts, ARTIFACT_LIMIT, (item, index) =>
    readArtifact(item, spilled?.get(index)),
  );
  if (produced === undefined) {
    return { failure: malformed('artifacts must be a list of {name, kind, pointer? or payload?}') };
  }
  const reports = readList(events, REPORT_LIMIT, readReport);
  if (reports === undefined) {
    return { failure: malformed('events must be a list of {name, detail?}') };
  }
  const additions = readAdditions(record.add);
  if (additions === 'malformed') {
    return { failure: malformed('add must be {nodes, edges?}, both lists') };
  }
  const output = record.output;
  return {
    output,
    outputJson: output === undefined ? null : JSON.stringify(output),
    action: typeof action === 'string' ? action : null,
    artifacts: produced,
    notes,
    usage: isJsonObject(record.usage) ? record.usage : undefined,
    additions,
    reports,
  };
}

function readAdditions(value: JsonValue | undefined): Additions | undefined | 'malformed' {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) return 'malformed';
  const { nodes, edges = [] } = value;
  return Array.isArray(nodes) && Array.isArray(edges) ? { nodes, edges } : 'malformed';
}

function readList<T>(
  value: JsonValue | undefined,
  limit: number,
  read: (item: JsonValue, index: number) => T | undefined,
): readonly T[] | undefined {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > limit) return undefined;
  const items = value.map(read);
  return items.every((item) => item !== undefined) ? items : undefined;
}

/** Artifacts as they come over the wire; undefined where the list is malformed. */
export function readArtifacts(
  value: JsonValue | undefined,
  spilled?: ReturnedValue['spilled'],
): readonly ProducedArtifact[] | undefined {
  return readList(value, ARTIFACT_LIMIT, (item, index) =>
    readArtifact(item, spilled?.get(index) ?? keptOf(item)),
  );
}

/** Where the payload of an artifact is kept that is shown by its pointer. */
function keptOf(item: JsonValue): SpilledPayload | undefined {
  const { digest, bytes } = isJsonObject(item) ? item : {};
  const isKept = typeof digest === 'string' && typeof bytes === 'number';
  return isKept ? { payload: null, digest, bytes } : undefined;
}

function readArtifact(
  item: JsonValue,
  kept: SpilledPayload | undefined,
): ProducedArtifact | undefined {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return undefined;
  const { name, kind, pointer, payload } = item;
  if (!isName(name) || !isName(kind)) return undefined;
  if (pointer !== undefined && pointer !== null && typeof pointer !== 'string') return undefined;
  if (kept === undefined) {
    return { name, kind, pointer: pointer ?? null, payload, spilled: undefined };
  }
  const { digest, bytes } = kept;
  return {
    name,
    kind,
    pointer: pointer ?? (digest === null ? null : `file:sha256:${digest}`),
    payload: kept.payload,
    spilled: { digest, bytes },
  };
}

function readReport(item: JsonValue) {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return undefined;
  return isName(item.name) ? { name: item.name, detail: item.detail } : undefined;
}

function isName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= NAME_LIMIT;
}

function assessProduct(node: CompiledNode, product: Product, surroundings: Surroundings): Verdict {
  const { output, artifacts } = product;
  return judge(product, completionIssues(node, output, artifacts, surroundings));
}

/** The verdict on a product with these issues: a blocking one refuses it. */
export function judge(product: Product, issues: readonly Issue[]): Verdict {
  const [first, ...others] = blockingIssues(issues);
  if (first === undefined) return { ok: true, product, issues };
  const text = [first, ...others].map((issue) => issue.message).join('; ');
  const reason = failure(failureClassOf(first), first.code, text, true);
  return { ok: false, failure: reason, product, issues };
}

/** Anything can be thrown: reads what it can, and never throws itself. */
function describeError(error: unknown, record?: JsonObject): Failure {
  let message = 'the handler failed without a message';
  let code = 'handler-failed';
  let failureClass = 'exception';
  let retryable = record?.retryable !== false && record?.fatal !== true;
  try {
    if (typeof error === 'string') message = error;
    else if (typeof error === 'object' && error !== null) {
      const {
        message: text,
        code: given,
        retryable: again,
        class: named,
      } = error as Record<string, unknown>;
      if (typeof text === 'string') message = text;
      if (typeof given === 'string' && given !== '') code = given.slice(0, NAME_LIMIT);
      if (typeof named === 'string' && named !== '') failureClass = named.slice(0, NAME_LIMIT);
      if (again === false) retryable = false;
    } else if (error !== undefined && error !== null) message = String(error);
  } catch {
    message = 'the handler failed with an error that cannot be read';
  }
  return failure(failureClass, code, message, retryable);
}

function refuse(reason: Failure, product: Product = NOTHING): Verdict {
  return { ok: false, failure: reason, product, issues: [] };
}

function malformed(message: string): Failure {
  return failure('schema', 'result-malformed', message, false);
}
