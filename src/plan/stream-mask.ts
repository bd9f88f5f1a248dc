/**
 * Keeps secrets out of output that comes in pieces. Invariants: 1. a secret that is cut into several pieces is
 * found all the same, be they texts, or texts at one place of JSON values; 2. pieces come out in order; 3. what may
 * be the beginning of a secret waits until it is known whether it is, and how much waits is bounded.
 */
import { isJsonObject, type JsonValue } from './json.js';
import { pointer } from './pointer.js';
import { MASK, type Secrets } from './secrets.js';

/** Pieces that wait at most, and characters of them. A secret between whose parts there is more is not found. */
const MAX_WAITING = 32;
const MAX_WAITING_LENGTH = 65_536;

/** A text within a JSON value. */
interface Leaf {
  /** As far as it is known what may be shown of it. */
  shown: string;
  /** Characters at its end of which it is not. */
  open: number;
}

/** A piece on its way out. */
interface Piece {
  readonly value: JsonValue;
  readonly length: number;
  /** Its texts by their places, where it is a JSON value. */
  readonly leaves: ReadonlyMap<string, Leaf>;
}

/** What has come last at one place, and may be the beginning of a secret. */
interface Tail {
  readonly text: string;
  /** Where it lies, in order. */
  readonly leaves: readonly Leaf[];
}

/** Secrets in a text, as places from and to, and where that begins of which nothing is known yet. */
interface Scan {
  readonly found: readonly (readonly [from: number, to: number])[];
  readonly openFrom: number;
}

export class StreamMask {
  readonly #secrets: Secrets;
  /** The longest first: one may be a part of another. */
  readonly #texts: readonly string[];
  readonly #longest: number;
  /** In order: those behind the first one wait for it. */
  readonly #waiting: Piece[] = [];
  #waitingLength = 0;
  /** Of JSON values, by place. */
  readonly #tails = new Map<string, Tail>();
  /** The same of texts. */
  #held = '';

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
    this.#texts = secrets.texts;
    this.#longest = this.#texts[0]?.length ?? 0;
  }

  /**
   * Takes a piece of so many characters; gives those that may be shown by now, one for each that was taken, in
   * order. A text that goes on from the one before may be shorter, or longer.
   */
  take(value: JsonValue, length: number): JsonValue[] {
    const isText = typeof value === 'string';
    const leaves = new Map<string, Leaf>();
    if (!isText) this.#takeTexts('', value, leaves);
    this.#waiting.push({ value: isText ? this.#takeText(value) : value, length, leaves });
    this.#waitingLength += length;
    return this.#release();
  }

  /** What waits at the end, and the end of the last texts: no secret goes on in it. */
  rest(): { readonly values: readonly JsonValue[]; readonly text: string } {
    const text = this.#secrets.hide(this.#held);
    this.#held = '';
    for (const place of [...this.#tails.keys()]) this.#settle(place);
    return { values: this.#release(), text };
  }

  #takeText(piece: string): string {
    const text = this.#held + piece;
    const scan = this.#scan(text);
    this.#held = text.slice(scan.openFrom);
    return shownOf(text, scan, 0, text.length);
  }

  #takeTexts(place: string, value: JsonValue, leaves: Map<string, Leaf>): void {
    if (typeof value === 'string') {
      const leaf: Leaf = { shown: '', open: value.length };
      leaves.set(place, leaf);
      const tail = this.#tails.get(place);
      const text = (tail?.text ?? '') + value;
      this.#distribute(place, text, [...(tail?.leaves ?? []), leaf], this.#scan(text));
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, part] of Object.entries(value)) {
        this.#takeTexts(place + pointer(key), part as JsonValue, leaves);
      }
    }
  }

  /** Nothing that comes later at this place belongs to what has come. */
  #settle(place: string): void {
    const { text, leaves } = this.#tails.get(place) ?? { text: '', leaves: [] };
    this.#distribute(place, text, leaves, this.#scan(text, true));
  }

  /** Gives each of the leaves, over which a text lies, its part of what is shown. */
  #distribute(place: string, text: string, leaves: readonly Leaf[], scan: Scan): void {
    let from = 0;
    for (const leaf of leaves) {
      const to = from + leaf.open;
      leaf.shown += shownOf(text, scan, from, to);
      leaf.open = Math.max(to - Math.max(from, scan.openFrom), 0);
      from = to;
    }
    this.#tails.delete(place);
    const open = leaves.filter((leaf) => leaf.open > 0);
    if (open.length > 0) this.#tails.set(place, { text: text.slice(scan.openFrom), leaves: open });
  }

  #release(): JsonValue[] {
    const released: JsonValue[] = [];
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined) return released;
      const { value, length, leaves } = first;
      if (isOpen(first)) {
        const isTooMuch =
          this.#waiting.length > MAX_WAITING || this.#waitingLength > MAX_WAITING_LENGTH;
        if (!isTooMuch) return released;
        for (const [place, { open }] of leaves) if (open > 0) this.#settle(place);
      }
      this.#waiting.shift();
      this.#waitingLength -= length;
      released.push(this.#shown('', value, leaves));
    }
  }

  #shown(place: string, value: JsonValue, leaves: Piece['leaves']): JsonValue {
    if (leaves.size === 0) return value;
    if (typeof value === 'string') return leaves.get(place)?.shown ?? '';
    if (Array.isArray(value)) {
      return value.map((part, index) => this.#shown(place + pointer(index), part, leaves));
    }
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [
        this.#secrets.hide(key),
        this.#shown(place + pointer(key), part as JsonValue, leaves),
      ]),
    );
  }

  #scan(text: string, isLast = false): Scan {
    const found: [number, number][] = [];
    for (let at = 0; at < text.length; ) {
      const left = text.length - at;
      if (!isLast && left < this.#longest && this.#mayBegin(text.slice(at))) {
        return { found, openFrom: at };
      }
      const secret = this.#texts.find((one) => text.startsWith(one, at));
      if (secret !== undefined) found.push([at, at + secret.length]);
      at += secret?.length ?? 1;
    }
    return { found, openFrom: text.length };
  }

  #mayBegin(end: string): boolean {
    return this.#texts.some((secret) => secret.length > end.length && secret.startsWith(end));
  }
}

function isOpen({ leaves }: Piece): boolean {
  for (const { open } of leaves.values()) if (open > 0) return true;
  return false;
}

/** A part of a text as far as it may be shown; a secret stands where it begins. */
function shownOf(text: string, { found, openFrom }: Scan, from: number, to: number): string {
  let shown = '';
  let at = from;
  for (const [start, end] of found) {
    if (end <= at || start >= to) continue;
    shown += text.slice(at, Math.max(start, at));
    if (start >= from) shown += MASK;
    at = Math.min(end, to);
  }
  return shown + text.slice(at, Math.min(to, openFrom));
}
