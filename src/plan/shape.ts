/** Checks a sanitised draft against the schema, element by element, so that one fault hides no other. */
import type { z } from 'zod';
import { BREAK, type PlanEdge, planEdgeSchema } from './edge-schema.js';
import type { Reporter } from './findings.js';
import { isId } from './ids.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import type { PlanNode } from './node-schemas.js';
import { NODE_KINDS, type PlanBody, planNodeSchema } from './node-schemas.js';
import { type PointerSegment, pointer } from './pointer.js';
import { planFrameSchema, type SchemaReference } from './schema.js';
import { didYouMean } from './suggest.js';

/** What can be said about a graph even where its shape has faults. */
export interface GraphOutline {
  readonly nodes: readonly NodeOutline[];
  readonly edges: readonly EdgeOutline[];
  /** As written; undefined in the place of what is not an id. */
  readonly entry: readonly (string | undefined)[] | undefined;
}

export interface PlanOutline extends GraphOutline {
  readonly schemas: Readonly<Record<string, JsonObject | boolean>>;
  readonly inputs: SchemaReference | undefined;
  readonly language: string | undefined;
  readonly result: string | undefined;
  /** Drafts of the plans that subplans run, by name. */
  readonly plans: Readonly<Record<string, JsonValue>>;
}

export interface NodeOutline {
  readonly index: number;
  readonly id: string;
  /** Undefined where the node has a fault. */
  readonly node: PlanNode | undefined;
}

export interface EdgeOutline {
  readonly index: number;
  readonly id: string | undefined;
  readonly source: string;
  readonly target: string;
  /** Undefined where the edge has a fault. */
  readonly edge: PlanEdge | undefined;
}

export function outlinePlan(draft: JsonObject, findings: Reporter): PlanOutline {
  const frame = planFrameSchema.safeParse(draft);
  if (!frame.success) report(frame.error.issues, draft, '', undefined, findings);
  return {
    ...outlineGraph(draft, findings),
    // On their own, so that a fault elsewhere does not make every reference an unknown one.
    schemas: planFrameSchema.shape.schemas.safeParse(draft.schemas).data ?? {},
    inputs: planFrameSchema.shape.inputs.safeParse(draft.inputs).data,
    language: planFrameSchema.shape.language.safeParse(draft.language).data,
    result: planFrameSchema.shape.result.safeParse(draft.result).data,
    plans: isJsonObject(draft.plans ?? null) ? (draft.plans as JsonObject) : {},
  };
}

/** As `outlinePlan`, for the body of a loop; its frame was checked with the loop. */
export function outlineBody(body: PlanBody, findings: Reporter): GraphOutline {
  return outlineGraph(body as unknown as JsonObject, findings);
}

function outlineGraph(draft: JsonObject, findings: Reporter): GraphOutline {
  return {
    nodes: outlineNodes(elementsOf(draft.nodes), findings),
    edges: outlineEdges(elementsOf(draft.edges), findings),
    entry: Array.isArray(draft.entry)
      ? draft.entry.map((id) => (isId(id) ? id : undefined))
      : undefined,
  };
}

function elementsOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function outlineNodes(elements: readonly JsonValue[], findings: Reporter): NodeOutline[] {
  const outlines: NodeOutline[] = [];
  elements.forEach((element, index) => {
    // Not written by an author, and under an id that nobody can write.
    if (isJsonObject(element) && element.id === BREAK) {
      outlines.push({ index, id: BREAK, node: element as unknown as PlanNode });
      return;
    }
    const parsed = planNodeSchema.safeParse(element);
    const id = isJsonObject(element) && isId(element.id) ? element.id : undefined;
    if (!parsed.success) {
      report(parsed.error.issues, element, pointer('nodes', index), id, findings);
    }
    if (id !== undefined) outlines.push({ index, id, node: parsed.data });
  });
  return outlines;
}

function outlineEdges(elements: readonly JsonValue[], findings: Reporter): EdgeOutline[] {
  const outlines: EdgeOutline[] = [];
  elements.forEach((element, index) => {
    const parsed = planEdgeSchema.safeParse(element);
    if (!parsed.success) {
      report(parsed.error.issues, element, pointer('edges', index), undefined, findings);
    }
    if (!isJsonObject(element) || !isId(element.source)) return;
    const { source, target } = element;
    if (typeof target !== 'string' || (target !== BREAK && !isId(target))) return;
    outlines.push({
      index,
      id: isId(element.id) ? element.id : undefined,
      source,
      target,
      edge: parsed.data,
    });
  });
  return outlines;
}

type ZodIssue = z.core.$ZodIssue;

function report(
  issues: readonly ZodIssue[],
  element: JsonValue,
  base: string,
  node: string | undefined,
  findings: Reporter,
): void {
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') reportUnknownKeys(issue, base, node, findings);
    else reportOne(issue, element, base, node, findings);
  }
}

function reportUnknownKeys(
  issue: z.core.$ZodIssueUnrecognizedKeys,
  base: string,
  node: string | undefined,
  findings: Reporter,
): void {
  for (const key of issue.keys) {
    findings.block({
      code: 'unknown-property',
      message: `'${key}' is not a property here`,
      path: base + pointer(...segmentsOf(issue), key),
      node,
    });
  }
}

function reportOne(
  issue: ZodIssue,
  element: JsonValue,
  base: string,
  node: string | undefined,
  findings: Reporter,
): void {
  const segments = segmentsOf(issue);
  const value = valueAt(element, segments);
  const code = codeOf(issue, segments, value);
  findings.block({
    code,
    message: code === 'missing-property' ? `'${segments.at(-1)}' is missing` : issue.message,
    path: base + pointer(...segments),
    node,
    hint: code === 'unknown-kind' ? kindHint(value) : undefined,
  });
}

const CODES: Readonly<Partial<Record<ZodIssue['code'], string>>> = {
  invalid_type: 'wrong-type',
  too_big: 'too-large',
  too_small: 'too-small',
};
const ID_PROPERTIES: ReadonlySet<PointerSegment | undefined> = new Set(['id', 'source', 'target']);

function codeOf(
  issue: ZodIssue,
  segments: readonly PointerSegment[],
  value: JsonValue | undefined,
): string {
  const property = segments.at(-1);
  if (value === undefined) return 'missing-property';
  if (property === 'kind' && segments.length === 1) return 'unknown-kind';
  const isIdProperty = ID_PROPERTIES.has(property) || segments[0] === 'entry';
  if (isIdProperty && typeof value === 'string') return 'invalid-id';
  if (issue.code === 'invalid_key') return 'invalid-id';
  return CODES[issue.code] ?? 'invalid-value';
}

function kindHint(value: JsonValue | undefined): string {
  const guess = typeof value === 'string' ? didYouMean(value, NODE_KINDS) : undefined;
  return guess ?? `Kinds are ${NODE_KINDS.join(', ')}`;
}

function segmentsOf(issue: ZodIssue): PointerSegment[] {
  return issue.path.map((segment) => (typeof segment === 'number' ? segment : String(segment)));
}

function valueAt(element: JsonValue, segments: readonly PointerSegment[]): JsonValue | undefined {
  let value: JsonValue | undefined = element;
  for (const segment of segments) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment))
      return undefined;
    value = (value as JsonObject)[segment];
  }
  return value;
}
