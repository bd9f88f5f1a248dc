/** Takes from nodes and edges what is not part of a plan: layout of editors silently, the rest with a warning. */

import { EDGE_PROPERTIES } from './edge-schema.js';
import type { Reporter } from './findings.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { nodeProperties } from './node-schemas.js';
import { type PointerSegment, pointer } from './pointer.js';
import { didYouMean } from './suggest.js';

const LAYOUT_PROPERTIES: ReadonlySet<string> = new Set(['ui', 'position', 'data', 'style']);

/** A copy of `draft` whose nodes and edges have known properties only; all others are untouched. */
export function sanitizePlan(draft: JsonObject, findings: Reporter): JsonObject {
  const sanitized = sanitizeGraph(draft, findings);
  const { plans } = draft;
  if (isJsonObject(plans)) {
    const named = Object.entries(plans).map(([name, plan]): [string, JsonValue] => [
      name,
      isJsonObject(plan) ? sanitizeGraph(plan, findings.within(pointer('plans', name))) : plan,
    ]);
    sanitized.plans = Object.fromEntries(named);
  }
  return sanitized;
}

function sanitizeGraph(draft: JsonObject, findings: Reporter): JsonObject {
  const sanitized: JsonObject = { ...draft };
  if (Array.isArray(draft.nodes)) {
    sanitized.nodes = draft.nodes.map((node, index) => sanitizeNode(node, index, findings));
  }
  if (Array.isArray(draft.edges)) {
    sanitized.edges = draft.edges.map((edge, index) =>
      isJsonObject(edge) ? strip(edge, EDGE_PROPERTIES, ['edges', index], findings) : edge,
    );
  }
  return sanitized;
}

function sanitizeNode(node: JsonValue, index: number, findings: Reporter): JsonValue {
  if (!isJsonObject(node)) return node;
  const known = nodeProperties(node.kind);
  // An unknown kind is reported by the schema; guessing its properties would only add noise.
  if (known === undefined) return node;
  const stripped = strip(node, known, ['nodes', index], findings);
  if (!isJsonObject(stripped.body)) return stripped;
  const inside = findings.within(pointer('nodes', index, 'body'));
  return { ...stripped, body: sanitizeGraph(stripped.body, inside) };
}

function strip(
  element: JsonObject,
  known: ReadonlySet<string>,
  place: readonly PointerSegment[],
  findings: Reporter,
): JsonObject {
  const keys = Object.keys(element);
  if (keys.every((key) => known.has(key))) return element;
  const kept: JsonObject = {};
  for (const key of keys) {
    if (known.has(key)) kept[key] = element[key] as JsonValue;
    else if (!isLayout(key)) warnUnknown(element, key, known, place, findings);
  }
  return kept;
}

/** Whether a property of a node or an edge is an editor's: where it is drawn, and how. */
export function isLayout(key: string): boolean {
  return LAYOUT_PROPERTIES.has(key) || key.startsWith('x-');
}

function warnUnknown(
  element: JsonObject,
  key: string,
  known: ReadonlySet<string>,
  place: readonly PointerSegment[],
  findings: Reporter,
): void {
  findings.warn({
    code: 'unknown-property',
    message: `'${key}' is not a property here and is ignored`,
    path: pointer(...place, key),
    node:
      typeof element.kind === 'string' && typeof element.id === 'string' ? element.id : undefined,
    hint: didYouMean(key, known),
  });
}
