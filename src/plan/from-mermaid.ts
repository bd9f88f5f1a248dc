/**
 * Makes the draft of a plan from a Mermaid flowchart. What a shape and a label mean is the inverse of what
 * diagram.ts draws, so that its drawings come back; all else that a plan needs is said in comments.
 */
import { drawnLabel, edgeLabel } from './diagram.js';
import { Findings } from './findings.js';
import { type ChartEdge, type ChartNode, type Flowchart, readFlowchart } from './flowchart.js';
import type { JsonObject, JsonValue } from './json.js';
import type { Shape } from './mermaid-line.js';
import type { ParseResult } from './parse-result.js';

const KINDS: Readonly<Record<Shape, string>> = {
  box: 'action',
  stadium: 'human-approval',
  diamond: 'switch',
  hexagon: 'join',
  subroutine: 'subplan',
  slanted: 'loop',
  circle: 'sleep',
  flag: 'signal',
};

/** A label that is a name and no condition: what a person chose, or what a result said. */
const CHOICE = /^\p{L}[\p{L}\p{N} _-]*$/u;
const CONDITIONS: ReadonlySet<string> = new Set(['true', 'false', 'always']);
const DEFAULTS: ReadonlySet<string> = new Set(['default', 'else', 'otherwise']);

/**
 * Reads a plan from the text of a flowchart. Never throws: what cannot be read are issues, with line and
 * column in `detail`. The draft is checked by `compilePlan`, as any other.
 */
export function planFromMermaid(text: string): ParseResult {
  const findings = new Findings();
  const chart = readFlowchart(text, findings);
  if (chart === undefined || findings.blocked) return { ok: false, issues: findings.list() };
  return { ok: true, draft: draftOf(chart) };
}

function draftOf(chart: Flowchart): JsonValue {
  const { title, frame, nodes, edges, settings } = chart;
  const outgoing = new Map<string, ChartEdge[]>();
  for (const edge of edges) {
    const others = outgoing.get(edge.source);
    if (others === undefined) outgoing.set(edge.source, [edge]);
    else others.push(edge);
  }
  const drafts = [...nodes.values()].map((node) =>
    nodeDraft(node, settings.get(node.name), outgoing.get(node.name) ?? []),
  );
  const ids = new Map([...nodes.keys()].map((name, index) => [name, drafts[index]?.id ?? name]));
  return {
    title: title ?? 'Untitled',
    ...frame,
    nodes: drafts,
    edges: edges.map((edge) => edgeDraft(edge, ids)),
  };
}

function nodeDraft(
  node: ChartNode,
  settings: JsonObject | undefined,
  outgoing: readonly ChartEdge[],
): JsonObject {
  const { name, label, groups } = node;
  const ui: JsonObject = groups.length === 0 ? {} : { ui: { groups: [...groups] } };
  const known: JsonObject =
    settings?.kind === undefined ? { ...meaningOf(node, outgoing), ...settings } : settings;
  const drawn = drawnLabel(String(known.title ?? known.id ?? name));
  // Whoever writes another label means another title.
  const isRenamed = label !== undefined && label !== drawn;
  return { id: name, ...known, ...(isRenamed && { title: label }), ...ui };
}

/** What a shape means by itself. An action is done by the handler of its name. */
function meaningOf({ name, shape }: ChartNode, outgoing: readonly ChartEdge[]): JsonObject {
  const kind = KINDS[shape ?? 'box'];
  if (kind === 'action') return { kind, handler: name };
  const labels = outgoing.flatMap(({ label }) =>
    label === undefined || isDefault(label) ? [] : [label],
  );
  const isQuestion = kind === 'switch' && labels.length > 0 && labels.every(isChoice);
  if (!isQuestion) return { kind };
  return { kind: 'human-decision', options: [...new Set(labels)].map((id) => ({ id })) };
}

function isChoice(label: string): boolean {
  return CHOICE.test(label) && !CONDITIONS.has(label) && !label.startsWith('on ');
}

function edgeDraft(
  { source, target, label, settings }: ChartEdge,
  ids: ReadonlyMap<string, JsonValue>,
): JsonObject {
  const ends = { source: ids.get(source) ?? source, target: ids.get(target) ?? target };
  const drawn = settings && edgeLabel(settings);
  const isRelabelled = label !== (drawn && drawnLabel(drawn));
  if (settings !== undefined && !isRelabelled) return { ...settings, ...ends };
  const { on: _, when: __, default: ___, ...others } = settings ?? {};
  return { ...others, ...(label === undefined ? {} : readLabel(label)), ...ends };
}

function isDefault(label: string): boolean {
  return DEFAULTS.has(label.toLowerCase());
}

/** What the label of an edge says: `on approved and input.n > 1`, a choice, a condition, or `default`. */
function readLabel(label: string): { on?: string; when?: string; default?: true } {
  if (isDefault(label)) return { default: true };
  const [, on, when] = /^on (.+?)(?: and (.+))?$/.exec(label) ?? [];
  if (on !== undefined) return { on, ...(when !== undefined && { when }) };
  if (label === '') return {};
  return isChoice(label) ? { on: label } : { when: label };
}
