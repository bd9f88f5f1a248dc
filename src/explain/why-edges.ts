/** Why edges are taken, dead, failed or undecided: what was asked of them, and the values that were read. */
import type { NodeRunRecord } from '../actors/records.js';
import { isFinal } from '../machines/statuses.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import { formatPath, type PathSegment, readPath } from '../plan/paths.js';
import type { ExplanationCause } from '../views.js';
import { cause, cutText, reasonText, valueText } from './cause.js';
import { type ReadPath, readsOf } from './expression-reads.js';
import type { Spot, WrittenEdge } from './plan-paths.js';
import { type EdgeEvaluated, parseJson, type RunFacts } from './run-facts.js';

export type EdgeOutcome = 'undecided' | 'taken' | 'dead' | 'failed' | 'error';

const OUTCOMES: Readonly<Record<string, EdgeOutcome>> = {
  t: 'taken',
  d: 'dead',
  f: 'failed',
  e: 'error',
};
/** Longest value that is shown whole, in characters of JSON. */
const MAX_VALUE = 1_000;
const MAX_VALUES = 32;
/** More inbound edges than this are not read one by one. */
const MANY_EDGES = 20;

/** An inbound edge with the run of its source. */
export interface Inbound {
  readonly written: WrittenEdge;
  readonly source: Spot;
  readonly row: NodeRunRecord | undefined;
  readonly outcome: EdgeOutcome;
}

/** The edges that lead to a node run, in the order of writing. */
export async function inboundOf(facts: RunFacts, spot: Spot): Promise<readonly Inbound[]> {
  if (spot.as !== 'node') return [];
  const before = spot.scope === '' ? '' : `${spot.scope}/`;
  const inbound: Inbound[] = [];
  const edges = spot.graph.inbound(spot.node.id);
  if (edges.length > MANY_EDGES) await facts.readScope(spot.scope);
  for (const written of edges) {
    const source = facts.paths.spot(before + written.edge.source);
    if (source === undefined) continue;
    const row = await facts.nodeRun(source.path);
    inbound.push({ written, source, row, outcome: outcomeOf(row, written) });
  }
  return inbound;
}

function outcomeOf(row: NodeRunRecord | undefined, { place }: WrittenEdge): EdgeOutcome {
  return OUTCOMES[row?.edges.charAt(place) ?? ''] ?? 'undecided';
}

/** Explains a decided edge; `furtherUp` explains the source where that is what decided it. */
export async function explainEdge(
  facts: RunFacts,
  inbound: Inbound,
  furtherUp: (source: Spot) => Promise<readonly ExplanationCause[]>,
): Promise<ExplanationCause> {
  const { written, source, row, outcome } = inbound;
  const about = { edge: written.id, source: source.path, outcome };
  const status = row?.status ?? (await facts.status(source));
  if (row === undefined || (status !== 'completed' && status !== 'partial')) {
    const message = `edge ${written.id} is ${outcome}: "${source.path}" is ${status}`;
    return cause(`source-${status}`, message, { ...about, status }, await furtherUp(source));
  }
  const evaluated = (await facts.evaluations(row)).get(written.id);
  if (evaluated === undefined) return withoutQuestion(written, row, about);
  return asked(facts, inbound, evaluated, about);
}

/** Nothing was asked: it has no condition, or another edge of a switch was taken before it. */
function withoutQuestion(
  { id, edge }: WrittenEdge,
  row: NodeRunRecord,
  about: JsonObject,
): ExplanationCause {
  if (about.outcome === 'dead') {
    const message = `edge ${id} is dead: an edge before it was taken, and the switch takes one`;
    return cause('edge-not-asked', message, about);
  }
  const isMade = edge.transform !== undefined || edge.map !== undefined;
  const what = isMade ? 'what it makes of the output' : 'the output';
  const message = `edge ${id} is ${String(about.outcome)}: "${row.node}" is ${row.status}, and it carries ${what}`;
  return cause('edge-unconditional', message, about);
}

async function asked(
  facts: RunFacts,
  { written, source, row, outcome }: Inbound,
  evaluated: EdgeEvaluated,
  about: JsonObject,
): Promise<ExplanationCause> {
  const { condition, result, error, seq } = evaluated;
  const { edge, id } = written;
  const detail = { ...about, condition, result, ...(error !== null && { error }), event: seq };
  const start = `edge ${id} is ${outcome}:`;
  if (edge.default === true) {
    const why = result === true ? 'no other edge was taken' : 'another edge was taken';
    return cause('edge-default', `${start} it is the default, and ${why}`, detail);
  }
  if (edge.on !== undefined && condition === `on ${edge.on}`) {
    const action = row?.action ?? null;
    const named = action === null ? 'no action' : `the action "${action}"`;
    const message = `${start} it is for the action "${edge.on}", and "${source.path}" named ${named}`;
    return cause('edge-action', message, { ...detail, action });
  }
  if (edge.when === undefined) {
    const given = row?.outcome ?? null;
    const message = `${start} "${source.path}" was answered with ${given}, and it is for approved`;
    return cause('edge-approval', message, { ...detail, given });
  }
  const values = await valuesRead(facts, source, condition, seq);
  const came = error === null ? `is ${result}` : `could not be evaluated: ${reasonText(error)}`;
  const message = `${start} ${condition} ${came}`;
  const code = error === null ? 'edge-condition' : 'edge-condition-error';
  return cause(code, message, { ...detail, values: values.map(toJson) }, values.map(shown));
}

/** A path that a condition read, and what was there. */
interface ReadValue {
  readonly path: string;
  /** Undefined where there was nothing. */
  readonly value: JsonValue | undefined;
  /** It was too large: what is given is the beginning of its text. */
  readonly isCut: boolean;
  /** Whether it was there is not stored. */
  readonly isUnknown: boolean;
}

function toJson({ path, value, isCut, isUnknown }: ReadValue): JsonObject {
  if (isUnknown) return { path, isUnknown };
  return {
    path,
    ...(value === undefined ? { isMissing: true } : { value }),
    ...(isCut && { isCut }),
  };
}

function shown(read: ReadValue): ExplanationCause {
  const { path, value, isCut, isUnknown } = read;
  const given = value === undefined ? '' : isCut ? cutText(String(value)) : valueText(value);
  const missing = isUnknown ? 'is not stored' : 'does not exist';
  const text = value === undefined ? missing : `was ${given}`;
  return cause('value', `${path} ${text}`, toJson(read));
}

/** As a cause each, the values that a condition about `source` read at event `seq`. */
export async function explainValues(
  facts: RunFacts,
  source: Spot,
  condition: string,
  seq: number,
): Promise<readonly ExplanationCause[]> {
  return (await valuesRead(facts, source, condition, seq)).map(shown);
}

/** From what is stored; never more of it than is bounded. */
async function valuesRead(
  facts: RunFacts,
  source: Spot,
  condition: string,
  seq: number,
): Promise<readonly ReadValue[]> {
  const values: ReadValue[] = [];
  for (const { path } of readsOf(condition, facts.plan).slice(0, MAX_VALUES)) {
    const found = await valueAt(facts, source, path, seq);
    values.push(bounded(found));
  }
  return values;
}

function bounded({ text: path, value, isUnknown = false }: Found): ReadValue {
  if (value === undefined) return { path, value, isCut: false, isUnknown };
  const text = JSON.stringify(value);
  const isCut = text.length > MAX_VALUE;
  return { path, value: isCut ? text.slice(0, MAX_VALUE) : value, isCut, isUnknown: false };
}

interface Found {
  readonly text: string;
  readonly value: JsonValue | undefined;
  readonly isUnknown?: boolean;
}

async function valueAt(
  facts: RunFacts,
  source: Spot,
  { root, segments, text }: ReadPath,
  seq: number,
): Promise<Found> {
  switch (root) {
    case 'inputs':
      return { text, value: readPath(parseJson(facts.record.inputJson), segments) };
    case 'loop':
      return loopValue(facts, source, { root, segments, text });
    case 'nodes': {
      const [id = '', ...rest] = segments;
      const row = await namedRow(facts, source, String(id));
      const isThere = row !== undefined && isFinal(row.status) && row.seq < seq;
      const name = formatPath(['nodes', id, ...rest]);
      if (rest[0] === 'artifacts') return { text: name, value: undefined, isUnknown: true };
      return { text: name, value: isThere ? memberAt(row, rest) : undefined };
    }
    default: {
      const row = await facts.nodeRun(source.path);
      return { text, value: row && memberAt(row, [root, ...segments]) };
    }
  }
}

/** A node by id, looked for in the scope and then in those around it. */
async function namedRow(facts: RunFacts, { scope }: Spot, id: string) {
  for (let around = scope; ; around = around.slice(0, Math.max(0, around.lastIndexOf('/')))) {
    const path = around === '' ? id : `${around}/${id}`;
    if (facts.paths.spot(path) !== undefined) return facts.nodeRun(path);
    if (around === '') return undefined;
  }
}

function memberAt(row: NodeRunRecord, segments: readonly PathSegment[]): JsonValue | undefined {
  const [member, ...rest] = segments;
  switch (member) {
    case 'input':
      return readPath(parseJson(row.inputJson), rest);
    case 'output':
      return readPath(parseJson(row.outputJson), rest);
    // Where there is none, a condition about its own node reads null.
    case 'outcome':
      return row.outcome;
    case 'action':
      return row.action;
    case 'status':
      return row.status;
    default:
      return undefined;
  }
}

/** What an iteration knew of itself: what its first nodes got as their input, or what follows from its number. */
async function loopValue(
  facts: RunFacts,
  { scope, graph }: Spot,
  { segments, text }: ReadPath,
): Promise<Found> {
  const iteration = Number(/\[(\d+)\]$/.exec(scope)?.[1] ?? Number.NaN);
  if (Number.isNaN(iteration)) return { text, value: undefined };
  if (text === 'loop.iteration') return { text, value: iteration };
  if (text === 'loop.index') return { text, value: iteration - 1 };
  const first = graph.nodes.find(({ id }) => graph.inbound(id).length === 0);
  const row = first && (await facts.nodeRun(`${scope}/${first.id}`));
  if (row === undefined || row.inputJson === null)
    return { text, value: undefined, isUnknown: true };
  return { text, value: readPath(parseJson(row.inputJson), segments) };
}

/** The rule of a join, and how its inbound edges stand. */
export function explainRule({ node }: Spot, inbound: readonly Inbound[]): ExplanationCause[] {
  if (node.kind !== 'join') return [];
  const count = (...outcomes: EdgeOutcome[]) =>
    inbound.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const counts = {
    taken: count('taken'),
    dead: count('dead'),
    failed: count('failed', 'error'),
    open: count('undecided'),
    total: inbound.length,
  };
  const { rule = 'all', onFailure = 'fail' } = node;
  const { taken, dead, failed, open, total } = counts;
  const message = `the join is ready with ${ruleText(rule)}, and a failed edge ${FAILURE_TEXT[onFailure]}: of ${total} edges ${taken} taken, ${dead} dead, ${failed} failed, ${open} undecided`;
  return [cause('join-rule', message, { rule: rule as JsonValue, onFailure, counts })];
}

const FAILURE_TEXT = {
  fail: 'fails it',
  ignore: 'counts as dead',
  wait: 'may yet recover',
} as const;

function ruleText(rule: NonNullable<Extract<Spot['node'], { kind: 'join' }>['rule']>): string {
  if (rule === 'all') return 'all of its live edges';
  if (rule === 'any') return 'the first edge';
  return 'count' in rule ? `${rule.count} edges` : rule.when;
}
