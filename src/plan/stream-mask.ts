/**
 * Keeps secrets out of text that comes in pieces. Invariant: a secret that is cut into several texts is found
 * all the same; what may be the beginning of one is held back until it is known whether it is.
 */
import type { JsonValue } from './json.js';
import { MASK, type Secrets } from './secrets.js';

export class StreamMask {
  readonly #secrets: Secrets;
  /** The longest first: one may be a part of another. */
  readonly #texts: readonly string[];
  readonly #longest: number;
  /** Beginning of a secret, perhaps. */
  #held = '';

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
    this.#texts = secrets.texts;
    this.#longest = this.#texts[0]?.length ?? 0;
  }

  /** The piece as it may be shown. A text that goes on from the one before may be shorter, or longer. */
  take(value: JsonValue): JsonValue {
    return typeof value === 'string' ? this.#takeText(value) : this.#secrets.hide(value);
  }

  /** What was held back at the end, and is no secret. */
  rest(): string {
    const rest = this.#secrets.hide(this.#held);
    this.#held = '';
    return rest;
  }

  #takeText(piece: string): string {
    const text = this.#held + piece;
    let shown = '';
    let from = 0;
    for (let at = 0; at < text.length; ) {
      if (text.length - at < this.#longest && this.#mayBegin(text.slice(at))) {
        this.#held = text.slice(at);
        return shown + text.slice(from, at);
      }
      const found = this.#texts.find((secret) => text.startsWith(secret, at));
      if (found === undefined) at += 1;
      else {
        shown += text.slice(from, at) + MASK;
        at += found.length;
        from = at;
      }
    }
    this.#held = '';
    return shown + text.slice(from);
  }

  #mayBegin(end: string): boolean {
    return this.#texts.some((secret) => secret.length > end.length && secret.startsWith(end));
  }
}
