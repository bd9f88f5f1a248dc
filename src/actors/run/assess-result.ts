/**
 * Turns what a handler returned or threw into a verdict on the attempt. Nothing is believed: values
 * must be JSON, the output must match its schema, required deliverables must be there. Pure.
 */
import type { Failure } from '../../machines/node-run-events.js';
import type { Issue } from '../../plan/issue.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import { toJsonValue } from '../../plan/json-values.js';
import type { CompiledNode, Deliverable } from '../../plan/plan-version.js';
import type { HandlerReturn } from '../messages.js';
import { failure } from './failure.js';

/** Nodes and edges that a node adds to the plan of its run, before anything is believed of them. */
export interface Additions {
  readonly nodes: readonly JsonValue[];
  readonly edges: readonly JsonValue[];
}

export interface ProducedArtifact {
  readonly name: string;
  readonly kind: string;
  readonly pointer: string | null;
  readonly payload: JsonValue | undefined;
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

export function assessResult(node: CompiledNode, result: HandlerReturn): Verdict {
  switch (result.type) {
    case 'aborted':
      return refuse(failure('cancelled', 'aborted', 'the attempt was aborted', false));
    case 'threw':
      return refuse(describeError(result.error));
    case 'returned':
      return assessValue(node, result.value);
  }
}

function assessValue(node: CompiledNode, returned: unknown): Verdict {
  const converted = toJsonValue(returned);
  if (!converted.ok) {
    const at = converted.path === '' ? 'the result' : `the result at ${converted.path}`;
    return refuse(failure('not-json', 'result-not-json', `${at}: ${converted.message}`, false));
  }
  const record = asResultRecord(converted.value);
  if (record === undefined) {
    return assessProduct(node, {
      ...NOTHING,
      output: converted.value,
      outputJson: converted.json ?? null,
    });
  }
  const product = readProduct(record);
  if ('failure' in product) return refuse(product.failure);
  if (isFailureRecord(record)) return refuse(describeError(record.error, record), product);
  return assessProduct(node, product);
}

/** An object with a boolean `ok`, or with an `error`, is a result record; every other value is the output itself. */
function asResultRecord(value: JsonValue | undefined): JsonObject | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const isRecord = typeof value.ok === 'boolean' || (value.error ?? null) !== null;
  return isRecord ? value : undefined;
}

function isFailureRecord(record: JsonObject): boolean {
  return record.ok === false || (record.error ?? null) !== null;
}

function readProduct(record: JsonObject): Product | { failure: Failure } {
  const { action, artifacts, notes, events } = record;
  if (action !== undefined && action !== null && !isName(action)) {
    return { failure: malformed('action must be a non-empty string') };
  }
  const produced = readList(artifacts, ARTIFACT_LIMIT, readArtifact);
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
    usage: isObject(record.usage) ? record.usage : undefined,
    additions,
    reports,
  };
}

function readAdditions(value: JsonValue | undefined): Additions | undefined | 'malformed' {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) return 'malformed';
  const { nodes, edges = [] } = value;
  return Array.isArray(nodes) && Array.isArray(edges) ? { nodes, edges } : 'malformed';
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readList<T>(
  value: JsonValue | undefined,
  limit: number,
  read: (item: JsonValue) => T | undefined,
): readonly T[] | undefined {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > limit) return undefined;
  const items = value.map(read);
  return items.every((item) => item !== undefined) ? items : undefined;
}

function readArtifact(item: JsonValue): ProducedArtifact | undefined {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return undefined;
  const { name, kind, pointer, payload } = item;
  if (!isName(name) || !isName(kind)) return undefined;
  if (pointer !== undefined && pointer !== null && typeof pointer !== 'string') return undefined;
  return { name, kind, pointer: pointer ?? null, payload };
}

function readReport(item: JsonValue) {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return undefined;
  return isName(item.name) ? { name: item.name, detail: item.detail } : undefined;
}

function isName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= NAME_LIMIT;
}

function assessProduct(node: CompiledNode, product: Product): Verdict {
  const issues = [
    ...(node.validateOutput?.(product.output) ?? []),
    ...missingDeliverables(node.deliverables, product.artifacts),
  ];
  const [first] = blockingIssues(issues);
  if (first === undefined) return { ok: true, product, issues };
  const failureClass = first.code === 'deliverable-missing' ? 'deliverable' : 'schema';
  const text = issues.map((issue) => issue.message).join('; ');
  return { ok: false, failure: failure(failureClass, first.code, text, true), product, issues };
}

/** Issues for required deliverables that are missing, or were delivered as another kind. */
export function missingDeliverables(
  deliverables: readonly Deliverable[],
  artifacts: readonly { readonly name: string; readonly kind: string }[],
): readonly Issue[] {
  return deliverables.flatMap(({ name, kind, required }, index): Issue[] => {
    const found = artifacts.find((artifact) => artifact.name === name);
    if (found?.kind === kind || (found === undefined && !required)) return [];
    const message =
      found === undefined
        ? `deliverable "${name}" (${kind}) is missing`
        : `deliverable "${name}" must be of kind ${kind}, not ${found.kind}`;
    return [
      {
        severity: 'blocking',
        code: 'deliverable-missing',
        message,
        path: `/deliverables/${index}`,
        hint: 'return it in the artifacts of the result',
      },
    ];
  });
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
