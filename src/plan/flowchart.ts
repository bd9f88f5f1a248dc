/**
 * Reads a Mermaid flowchart as what it draws: nodes, edges, groups, and the settings that comments of the form
 * `%% runchart node NAME {…}` give to them. It knows nothing of plans. Faults are issues with line and column.
 */
import type { Reporter } from './findings.js';
import { isJsonObject, type JsonObject } from './json.js';
import { type DrawnNode, readStatements, type Shape, UnreadableLine } from './mermaid-line.js';

export interface ChartNode {
  readonly name: string;
  shape: Shape | undefined;
  label: string | undefined;
  /** Titles of the subgraphs that it lies in, the outermost first. */
  groups: readonly string[];
  readonly place: Place;
}

export interface ChartEdge {
  readonly source: string;
  readonly target: string;
  readonly label: string | undefined;
  readonly settings: JsonObject | undefined;
  readonly place: Place;
}

export interface Flowchart {
  readonly title: string | undefined;
  readonly nodes: ReadonlyMap<string, ChartNode>;
  readonly edges: readonly ChartEdge[];
  /** Of the whole. */
  readonly frame: JsonObject;
  /** By the name of a node. */
  readonly settings: ReadonlyMap<string, JsonObject>;
}

// A type and no interface, so that it is a JSON value.
export type Place = { readonly line: number; readonly column: number };

const MAX_LENGTH = 1024 * 1024;
const MAX_LINE_LENGTH = 64 * 1024;
const MAX_EDGES_OF_A_LINE = 10_000;
const HEADER = /^\s*(?:flowchart|graph)(?:-elk)?(?:\s+(?:TB|TD|BT|RL|LR))?\s*;?\s*$/;
const SETTINGS = /^\s*%%\s*runchart\s+(?:(plan|edge)|node\s+(\S+))\s+(.*)$/;
/** What says only how it looks. */
const LOOKS = /^\s*(?:direction|classDef|class|style|linkStyle|click|accTitle|accDescr)\b/;
const SUBGRAPH = /^\s*subgraph\b\s*(.*?)\s*;?\s*$/;
const END = /^\s*end\s*;?\s*$/;

/** Whether a text is a flowchart, by its first line that is neither a comment nor front matter. */
export function isFlowchart(text: string): boolean {
  let isInside = false;
  for (const line of text.slice(0, MAX_LINE_LENGTH).split(/\r?\n/)) {
    if (line.trim() === '---') isInside = !isInside;
    else if (!isInside && line.trim() !== '' && !/^\s*%%/.test(line)) return HEADER.test(line);
  }
  return false;
}

export function readFlowchart(text: string, findings: Reporter): Flowchart | undefined {
  if (text.length > MAX_LENGTH) {
    const message = `The text is longer than ${MAX_LENGTH} characters`;
    findings.block({ code: 'too-large', message, path: '' });
    return undefined;
  }
  const reader = new FlowchartReader(findings);
  for (const line of text.split(/\r?\n/)) reader.read(line);
  return reader.finish();
}

class FlowchartReader {
  readonly #findings: Reporter;
  readonly #nodes = new Map<string, ChartNode>();
  readonly #edges: ChartEdge[] = [];
  readonly #settings = new Map<string, JsonObject>();
  readonly #groups: string[] = [];
  readonly #groupNames = new Set<string>();
  #title: string | undefined;
  #frame: JsonObject = {};
  #edgeSettings: JsonObject | undefined;
  #line = 0;
  #part: 'start' | 'front matter' | 'header' | 'chart' | 'none' = 'start';

  constructor(findings: Reporter) {
    this.#findings = findings;
  }

  read(line: string): void {
    this.#line += 1;
    if (line.length > MAX_LINE_LENGTH) {
      this.#block(`the line is longer than ${MAX_LINE_LENGTH} characters`);
    } else if (this.#part === 'front matter') this.#readFrontMatter(line);
    else if (line.trim() === '' || this.#part === 'none') return;
    else if (/^\s*%%/.test(line)) this.#readComment(line);
    else if (this.#part === 'chart') this.#readStatement(line);
    else this.#readHeader(line);
  }

  finish(): Flowchart {
    if (this.#part !== 'chart' && this.#part !== 'none') this.#refuse();
    if (this.#groups.length > 0) this.#block('`end` of a subgraph is missing');
    for (const { source, target, place } of this.#edges) {
      const group = [source, target].find((name) => this.#groupNames.has(name));
      if (group !== undefined) {
        this.#block(
          `an edge leads from or to the subgraph "${group}": link the nodes in it`,
          place,
        );
      }
    }
    return {
      title: this.#title,
      frame: this.#frame,
      nodes: this.#nodes,
      edges: this.#edges,
      settings: this.#settings,
    };
  }

  #readHeader(line: string): void {
    if (this.#part === 'start' && line.trim() === '---') this.#part = 'front matter';
    else if (HEADER.test(line)) this.#part = 'chart';
    else this.#refuse();
  }

  /** Another diagram, or none: one fault is enough. */
  #refuse(): void {
    this.#part = 'none';
    this.#block('a flowchart begins with `flowchart` or `graph`, on a line of its own');
  }

  #readFrontMatter(line: string): void {
    if (line.trim() === '---') this.#part = 'header';
    this.#title ??= /^title:\s*(['"]?)(.+?)\1\s*$/.exec(line)?.[2];
  }

  #readComment(line: string): void {
    const [isMeant, subject, node = '', text = ''] = SETTINGS.exec(line) ?? [];
    if (isMeant === undefined) return;
    const settings = parseObject(text);
    if (settings === undefined) this.#block('these settings are no JSON object');
    else if (subject === 'edge') this.#edgeSettings = settings;
    else if (subject === 'plan') this.#frame = settings;
    else this.#settings.set(node, settings);
  }

  #readStatement(line: string): void {
    const [, group] = SUBGRAPH.exec(line) ?? [];
    if (group !== undefined) this.#openGroup(group);
    else if (END.test(line)) {
      if (this.#groups.pop() === undefined) this.#block('`end` without a subgraph');
    } else if (!LOOKS.test(line) || /^\s*\w+\s*(?:[-=~<&[({>]|$)/.test(line)) this.#readLinks(line);
  }

  #openGroup(text: string): void {
    const [, name = '', title] = /^([^\s[]*)\s*(?:\[\s*"?(.*?)"?\s*\])?/.exec(text) ?? [];
    this.#groupNames.add(name);
    this.#groups.push(title ?? (text || 'subgraph'));
  }

  #readLinks(line: string): void {
    try {
      for (const { groups, links } of readStatements(line)) {
        for (const node of groups.flat()) this.#addNode(node);
        links.forEach((link, index) => {
          const place = this.#place(link.offset);
          if (link.fault !== undefined) this.#block(link.fault, place);
          if (link.isInvisible) return;
          this.#addEdges(groups[index] ?? [], groups[index + 1] ?? [], { ...link, place });
        });
      }
    } catch (error) {
      if (!(error instanceof UnreadableLine)) throw error;
      this.#block(error.message, this.#place(error.offset));
    }
  }

  #addNode({ name, shape, label, offset }: DrawnNode): void {
    const known = this.#nodes.get(name);
    if (known === undefined) {
      const groups = [...this.#groups];
      this.#nodes.set(name, { name, shape, label, groups, place: this.#place(offset) });
      return;
    }
    known.shape ??= shape;
    known.label ??= label;
    if (known.groups.length === 0) known.groups = [...this.#groups];
  }

  #addEdges(
    sources: readonly DrawnNode[],
    targets: readonly DrawnNode[],
    link: Pick<ChartEdge, 'label' | 'place'>,
  ): void {
    if (sources.length * targets.length > MAX_EDGES_OF_A_LINE) {
      this.#block(`more than ${MAX_EDGES_OF_A_LINE} edges in one link`, link.place);
      return;
    }
    const { label, place } = link;
    const settings = this.#edgeSettings;
    this.#edgeSettings = undefined;
    for (const { name: source } of sources) {
      for (const { name: target } of targets) {
        this.#edges.push({ source, target, label, settings, place });
      }
    }
  }

  #place(offset: number): Place {
    return { line: this.#line, column: offset + 1 };
  }

  #block(message: string, place: Place = this.#place(0)): void {
    const { line, column } = place;
    this.#findings.block({
      code: 'invalid-mermaid',
      message: `Line ${line}, column ${column}: ${message}`,
      path: '',
      detail: place,
    });
  }
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
