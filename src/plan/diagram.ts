/** Draws a plan as a Mermaid flowchart, with the state of a run laid over it where wanted. */
import { edgeIds } from './edge-ids.js';
import type { PlanEdge } from './edge-schema.js';
import type { PlanNode } from './node-schemas.js';
import type { Plan } from './schema.js';

export interface DiagramOverlay {
  /** Status by node id; a node without one is drawn plain. */
  readonly statuses?: Readonly<Record<string, string>>;
  /** Ids of the edges that were taken. */
  readonly takenEdges?: ReadonlySet<string>;
  /** Writes all that a drawing cannot show into comments, so that `planFromMermaid` gives the same plan. */
  readonly settings?: boolean;
}

const MAX_LABEL_LENGTH = 80;

const SHAPES: Readonly<Record<PlanNode['kind'], readonly [open: string, close: string]>> = {
  action: ['[', ']'],
  'human-input': ['([', '])'],
  'human-approval': ['([', '])'],
  'human-review-edit': ['([', '])'],
  'human-decision': ['([', '])'],
  switch: ['{', '}'],
  join: ['{{', '}}'],
  map: ['[[', ']]'],
  loop: ['[/', '/]'],
  subplan: ['[[', ']]'],
  sleep: ['((', '))'],
  signal: ['>', ']'],
};

/** Fill and border of each status. */
const STATUS_COLOURS: Readonly<Record<string, readonly [fill: string, stroke: string]>> = {
  pending: ['#f5f5f5', '#9e9e9e'],
  ready: ['#e3f2fd', '#1e88e5'],
  running: ['#bbdefb', '#1565c0'],
  'awaiting-human': ['#fff3e0', '#ef6c00'],
  blocked: ['#fff8e1', '#f9a825'],
  completed: ['#e8f5e9', '#2e7d32'],
  partial: ['#f1f8e9', '#7cb342'],
  skipped: ['#fafafa', '#bdbdbd'],
  failed: ['#ffebee', '#c62828'],
  cancelled: ['#eceff1', '#607d8b'],
};

/** The text of the diagram. Labels are escaped: no text of a plan becomes markup. */
export function planToMermaid(plan: Plan, overlay: DiagramOverlay = {}): string {
  // Ids of the diagram are made up, since words such as `end` are reserved in Mermaid.
  const names = new Map(plan.nodes.map((node, position) => [node.id, `n${position}`]));
  const { nodes, edges, ...frame } = plan;
  const withSettings = (subject: string, settings: object, drawn: string) => [
    ...(overlay.settings === true ? [writeSettings(subject, settings)] : []),
    ...(drawn === '' ? [] : [`  ${drawn}`]),
  ];
  return [
    'flowchart TD',
    ...withSettings('plan', frame, ''),
    ...nodes.flatMap((node) => {
      const name = names.get(node.id) ?? '';
      return withSettings(`node ${name}`, node, `${name}${drawNode(node)}`);
    }),
    ...edges.flatMap((edge) => {
      const { source: _, target: __, ...settings } = edge;
      return withSettings('edge', settings, drawEdge(edge, names));
    }),
    ...drawStatuses(names, overlay.statuses ?? {}),
    ...drawTaken(plan.edges, overlay.takenEdges),
  ].join('\n');
}

function writeSettings(subject: string, settings: object): string {
  return `  %% runchart ${subject} ${JSON.stringify(settings)}`;
}

function drawNode(node: PlanNode): string {
  const [open, close] = SHAPES[node.kind];
  return `${open}"${escapeLabel(node.title ?? node.id)}"${close}`;
}

function drawEdge(edge: PlanEdge, names: ReadonlyMap<string, string>): string {
  const arrow = edge.default === true ? '-.->' : '-->';
  const label = edgeLabel(edge);
  const middle = label === undefined ? arrow : `${arrow}|"${escapeLabel(label)}"|`;
  return `${names.get(edge.source)} ${middle} ${names.get(edge.target)}`;
}

/** What is written at an edge: when it is taken. */
export function edgeLabel(edge: Partial<PlanEdge>): string | undefined {
  if (edge.default === true) return 'default';
  const parts = [edge.on === undefined ? '' : `on ${edge.on}`, edge.when?.trim() ?? ''];
  const label = parts.filter((part) => part !== '').join(' and ');
  return label === '' ? undefined : label;
}

function drawStatuses(
  names: ReadonlyMap<string, string>,
  statuses: Readonly<Record<string, string>>,
): string[] {
  const byStatus = new Map<string, string[]>();
  for (const [id, status] of Object.entries(statuses)) {
    const name = names.get(id);
    if (name === undefined || !Object.hasOwn(STATUS_COLOURS, status)) continue;
    byStatus.set(status, [...(byStatus.get(status) ?? []), name]);
  }
  return [...byStatus].flatMap(([status, members]) => {
    const [fill, stroke] = STATUS_COLOURS[status] ?? ['', ''];
    const name = status.replaceAll('-', '_');
    return [
      `  classDef ${name} fill:${fill},stroke:${stroke}`,
      `  class ${members.join(',')} ${name}`,
    ];
  });
}

function drawTaken(edges: readonly PlanEdge[], taken: ReadonlySet<string> | undefined): string[] {
  if (taken === undefined) return [];
  const indexes = edgeIds(edges).flatMap((id, index) => (taken.has(id) ? [index] : []));
  if (indexes.length === 0) return [];
  return [`  linkStyle ${indexes.join(',')} stroke:#2e7d32,stroke-width:3px`];
}

const ENTITIES: Readonly<Record<string, string>> = {
  '"': '#quot;',
  '#': '#35;',
  '&': '#amp;',
  '<': '#lt;',
  '>': '#gt;',
  '`': '#96;',
  '\\': '#92;',
};

/** A text as its label shows it: one line, and not too long. */
export function drawnLabel(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > MAX_LABEL_LENGTH ? `${line.slice(0, MAX_LABEL_LENGTH - 1)}…` : line;
}

function escapeLabel(text: string): string {
  return drawnLabel(text).replace(/["#&<>`\\]/g, (character) => ENTITIES[character] ?? '');
}
