/**
 * Places in the log of all runs as tenants other than the default one are told them: sealed, so that their numbers,
 * which grow with the work of everybody, are readable to nobody. Invariants: 1. a place opens in its tenant alone;
 * 2. behind an event of its own it is always written alike, and at the end of the log, which moves with others, anew
 * each time: two that differ do not tell that others were at work.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { LogPosition } from '../actors/delivery-records.js';
import { formatPosition, invalidPosition, START } from './log-position.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const PLACE_BYTES = 16;
const TAG_BYTES = 16;
/** Bytes of the number that stands for a turn: it is a safe integer. */
const TURN_BYTES = 6;

export class TenantPositions {
  readonly #secret: string;

  /** The secret lasts as long as the storage; without one positions end with the process. */
  constructor(secret = randomBytes(32).toString('hex')) {
    this.#secret = secret;
  }

  /** `isAnew` writes it as it never was before, whatever the place. */
  seal(tenant: string, place: LogPosition, isAnew = false): string {
    const { turn, seq } = place;
    if (turn === 0 && seq === 0) return START;
    const isEnd = seq === Number.MAX_SAFE_INTEGER;
    const nonce =
      isAnew || isEnd
        ? randomBytes(NONCE_BYTES)
        : this.#derive('nonce', tenant, formatPosition(place)).subarray(0, NONCE_BYTES);
    const plain = Buffer.alloc(PLACE_BYTES);
    plain.writeDoubleBE(turn, 0);
    plain.writeDoubleBE(seq, PLACE_BYTES / 2);
    const cipher = createCipheriv(ALGORITHM, this.#derive('key', tenant), nonce);
    const parts = [nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(parts).toString('base64url');
  }

  /** Throws `argument-invalid` where it is none of the tenant. */
  open(tenant: string, text: string): LogPosition {
    if (text === START) return { turn: 0, seq: 0 };
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length !== NONCE_BYTES + PLACE_BYTES + TAG_BYTES) throw invalidPosition(text);
    const key = this.#derive('key', tenant);
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    }).setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const sealed = bytes.subarray(NONCE_BYTES, -TAG_BYTES);
      const plain = Buffer.concat([decipher.update(sealed), decipher.final()]);
      return { turn: plain.readDoubleBE(0), seq: plain.readDoubleBE(PLACE_BYTES / 2) };
    } catch {
      throw invalidPosition(text);
    }
  }

  /** What stands for a turn of a run: the same for all that one message caused in it, and in no order. */
  turn(run: string, turn: number): number {
    return this.#derive('turn', run, `${turn}`).readUIntBE(0, TURN_BYTES);
  }

  #derive(...words: readonly string[]): Buffer {
    return createHmac('sha256', this.#secret).update(words.join('\n')).digest();
  }
}
