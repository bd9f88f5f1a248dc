/** Reads one line of a Mermaid flowchart: nodes with their shapes, links with their labels. Pure, and linear. */

export interface DrawnNode {
  readonly name: string;
  /** Undefined where the node is only mentioned. */
  readonly shape: Shape | undefined;
  readonly label: string | undefined;
  /** Where it stands in its line, from 0 on. */
  readonly offset: number;
}

export interface DrawnLink {
  readonly label: string | undefined;
  /** Why it has no meaning in a plan. */
  readonly fault: string | undefined;
  readonly isInvisible: boolean;
  readonly offset: number;
}

/** Nodes, links between them, nodes, and so on: each of a group is linked with each of the next. */
export interface Statement {
  readonly groups: readonly (readonly DrawnNode[])[];
  readonly links: readonly DrawnLink[];
}

export type Shape =
  | 'box'
  | 'stadium'
  | 'diamond'
  | 'hexagon'
  | 'subroutine'
  | 'slanted'
  | 'circle'
  | 'flag';

/** A text that is no statement, and where that shows. */
export class UnreadableLine extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** By what opens them, the longer ones first, with all that may close them. */
const SHAPES: readonly (readonly [open: string, closes: readonly string[], shape: Shape])[] = [
  ['(((', [')))'], 'circle'],
  ['((', ['))'], 'circle'],
  ['([', ['])'], 'stadium'],
  ['(', [')'], 'box'],
  ['[[', [']]'], 'subroutine'],
  ['[(', [')]'], 'box'],
  ['[/', ['/]', '\\]'], 'slanted'],
  ['[\\', ['\\]', '/]'], 'slanted'],
  ['[', [']'], 'box'],
  ['{{', ['}}'], 'hexagon'],
  ['{', ['}'], 'diamond'],
  ['>', [']'], 'flag'],
];

const NAME = /[\p{L}\p{N}_](?:[\p{L}\p{N}_.]|-(?=[\p{L}\p{N}_]))*/uy;
const SPACE = /\s*/y;
const CLASS = /:::[\w-]+/y;
const PLAIN_LINK = /(<)?(?:-{2,}(?:>|-|[xo](?=[\s|]))|={2,}[>=]|-\.+-(?:>|[xo](?=[\s|]))?|~{3,})/y;
const TEXT_LINKS = [
  /(<)?--\s*([^-\s|>][^|>]*?)\s*-{2,}[->]/y,
  /(<)?==\s*([^=\s|>][^|>]*?)\s*={2,}[>=]/y,
  /(<)?-\.\s*([^-.\s|>][^|>]*?)\s*\.+-[>]?/y,
];
const PIPED = /\s*\|(?:\s*"([^"]*)"\s*|([^|]*))\|/y;

/** Reads the statements of a line. Throws an UnreadableLine. */
export function readStatements(line: string): Statement[] {
  const reader = new LineReader(line);
  const statements: Statement[] = [];
  while (!reader.isAtEnd) statements.push(readStatement(reader));
  return statements;
}

function readStatement(reader: LineReader): Statement {
  const groups = [readGroup(reader)];
  const links: DrawnLink[] = [];
  for (;;) {
    if (reader.isAtEnd || reader.skip(';')) return { groups, links };
    links.push(readLink(reader));
    groups.push(readGroup(reader));
  }
}

function readGroup(reader: LineReader): DrawnNode[] {
  const nodes = [readNode(reader)];
  while (reader.skip('&')) nodes.push(readNode(reader));
  return nodes;
}

function readNode(reader: LineReader): DrawnNode {
  const { offset } = reader;
  const name = reader.take(NAME)?.[0];
  if (name === undefined) throw reader.unreadable('a node was expected here');
  if (reader.startsWith('@{')) throw reader.unreadable('shapes in braces are not read');
  for (const [open, closes, shape] of SHAPES) {
    if (!reader.skip(open, false)) continue;
    const label = reader.takeText(closes);
    reader.take(CLASS, false);
    return { name, shape, label: unescapeLabel(label), offset };
  }
  reader.take(CLASS, false);
  return { name, shape: undefined, label: undefined, offset };
}

function readLink(reader: LineReader): DrawnLink {
  const { offset } = reader;
  for (const pattern of TEXT_LINKS) {
    const [, back, text] = reader.take(pattern) ?? [];
    if (text !== undefined) return link(text, back !== undefined, offset);
  }
  const [arrow, back] = reader.take(PLAIN_LINK) ?? [];
  if (arrow === undefined)
    throw reader.unreadable('a link or the end of the line was expected here');
  const [, quoted, bare] = reader.take(PIPED, false) ?? [];
  const label = quoted ?? bare;
  return { ...link(label, back !== undefined, offset), isInvisible: arrow.startsWith('~') };
}

function link(label: string | undefined, isBoth: boolean, offset: number): DrawnLink {
  return {
    label: label && unescapeLabel(unquote(label)),
    fault: isBoth ? 'a link leads one way' : undefined,
    isInvisible: false,
    offset,
  };
}

class LineReader {
  readonly #line: string;
  #at = 0;

  constructor(line: string) {
    this.#line = line;
    this.take(SPACE, false);
  }

  get offset(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    this.take(SPACE, false);
    return this.#at >= this.#line.length;
  }

  startsWith(text: string): boolean {
    return this.#line.startsWith(text, this.#at);
  }

  /** Goes on behind `text`, where it stands here; behind space too, unless told otherwise. */
  skip(text: string, behindSpace = true): boolean {
    if (behindSpace) this.take(SPACE, false);
    if (!this.startsWith(text)) return false;
    this.#at += text.length;
    return true;
  }

  take(pattern: RegExp, behindSpace = true): RegExpExecArray | undefined {
    if (behindSpace) this.take(SPACE, false);
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#line);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  /** The text up to what closes it, and goes on behind that. */
  takeText(closes: readonly string[]): string {
    const quoted = /\s*"([^"]*)"\s*/y;
    const inQuotes = this.take(quoted, false)?.[1];
    const ends = closes.map((close) => ({ close, at: this.#line.indexOf(close, this.#at) }));
    const [end] = ends.filter(({ at }) => at >= 0).sort((a, b) => a.at - b.at);
    if (end === undefined || (inQuotes !== undefined && end.at !== this.#at)) {
      throw this.unreadable(`${closes[0]} is missing`);
    }
    const text = inQuotes ?? this.#line.slice(this.#at, end.at).trim();
    this.#at = end.at + end.close.length;
    return text;
  }

  unreadable(message: string): UnreadableLine {
    return new UnreadableLine(message, Math.min(this.#at, this.#line.length));
  }
}

function unquote(text: string): string {
  const trimmed = text.trim();
  return trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"')
    ? trimmed.slice(1, -1)
    : trimmed;
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', amp: '&', lt: '<', gt: '>' };

/** Entities become characters, line breaks and the quotes of Markdown go. */
function unescapeLabel(text: string): string {
  return text
    .replace(/^`|`$/g, '')
    .replace(/<br\s*\/?>/gi, ' ')
    .replace(/[#&](?:(quot|amp|lt|gt)|#?(\d{1,6}));/g, (whole, name?: string, code?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? whole;
      const point = Number(code);
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    })
    .trim();
}
