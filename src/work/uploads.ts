/**
 * Payloads that workers send ahead of their result, since they are too large to come with it. Invariants: 1. a
 * payload is there whole, and durable, or not at all; 2. only the attempt under whose lease it came can name it, so
 * that nobody gets at a payload by its digest.
 */
import type { ArtifactPayloads, KeptPayload } from '../actors/artifact-payloads.js';
import type { HandlerReturn, SpilledPayload } from '../actors/messages.js';
import { asResultRecord } from '../actors/result-record.js';
import { RunchartError } from '../errors.js';
import { isJsonObject, type JsonValue } from '../plan/json.js';
import type { Lease } from './token.js';

/** Payloads that may be on their way at a time: each is in memory once as a whole. */
const MAX_UNDER_WAY = 4;
/** Of one attempt. */
const MAX_PER_LEASE = 1_000;
/** Leases of which uploads are remembered; whoever was forgotten sends them again. */
const MAX_LEASES = 10_000;

export type UploadStore = Pick<
  ArtifactPayloads,
  'keep' | 'keepText' | 'read' | 'maxBytes' | 'maxBytesOfResult'
>;

export class Uploads {
  readonly #payloads: UploadStore;
  /** By the id of the lease, the oldest first; then by digest. */
  readonly #known = new Map<string, Map<string, KeptPayload>>();
  #underWay = 0;

  constructor(payloads: UploadStore) {
    this.#payloads = payloads;
  }

  /** Rejects with `argument-invalid`, `artifact-too-large`, `overloaded`, and as the bytes do. */
  async take({ run, lease }: Lease, bytes: AsyncIterable<Uint8Array>): Promise<KeptPayload> {
    if ((this.#known.get(lease)?.size ?? 0) >= MAX_PER_LEASE) {
      const message = `an attempt uploads ${MAX_PER_LEASE} payloads at most`;
      throw new RunchartError('argument-invalid', message);
    }
    if (this.#underWay >= MAX_UNDER_WAY) {
      throw new RunchartError('overloaded', 'too many payloads are on their way');
    }
    this.#underWay += 1;
    try {
      const kept = await this.#payloads.keepText(await this.#textOf(bytes), run);
      this.#note(lease, kept);
      return kept;
    } finally {
      this.#underWay -= 1;
    }
  }

  /**
   * The result with its large payloads kept: those that came with it, and those that it names by their digests.
   * Rejects with `artifact-not-uploaded`, and with `artifact-too-large` where they are too large together.
   */
  async resolve(lease: Lease, result: HandlerReturn): Promise<HandlerReturn> {
    const named = result.type === 'returned' ? await this.#named(lease, result.value) : undefined;
    const kept = await this.#payloads.keep(result, lease.run);
    if (named === undefined || named.size === 0 || kept.type !== 'returned') return kept;
    return { ...kept, spilled: new Map([...(kept.spilled ?? []), ...named]) };
  }

  /** What an attempt that is over has sent is in its result, or is nobody's. */
  forget({ lease }: Pick<Lease, 'lease'>): void {
    this.#known.delete(lease);
  }

  async #named(lease: Lease, value: unknown): Promise<Map<number, SpilledPayload>> {
    const found = new Map<number, SpilledPayload>();
    const read = new Map<string, SpilledPayload>();
    let size = 0;
    const artifacts = asResultRecord(value as JsonValue)?.artifacts;
    if (!Array.isArray(artifacts)) return found;
    for (const [index, artifact] of artifacts.entries()) {
      const digest = isJsonObject(artifact) ? artifact.digest : undefined;
      if (typeof digest !== 'string') continue;
      const kept = this.#known.get(lease.lease)?.get(digest);
      if (kept === undefined) {
        const message = `artifact ${index} names a payload that was not uploaded for this attempt`;
        const hint = 'upload it, and send the result again';
        throw new RunchartError('artifact-not-uploaded', message, { hint });
      }
      let payload = read.get(digest);
      if (payload === undefined) {
        size += kept.bytes;
        this.#assertFits(size);
        payload = await this.#read(lease, kept);
        read.set(digest, payload);
      }
      found.set(index, payload);
    }
    return found;
  }

  async #read({ run }: Lease, { pointer, digest, bytes }: KeptPayload): Promise<SpilledPayload> {
    return { payload: await this.#payloads.read(pointer, run), digest, bytes };
  }

  /** All of them are in memory at once. */
  #assertFits(bytes: number): void {
    const { maxBytesOfResult } = this.#payloads;
    if (bytes <= maxBytesOfResult) return;
    const message = `the payloads of a result have ${maxBytesOfResult} bytes together at most`;
    throw new RunchartError('artifact-too-large', message);
  }

  async #textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
    const { maxBytes } = this.#payloads;
    const parts: Uint8Array[] = [];
    let size = 0;
    if (!isIterable(bytes)) throw noBytes();
    for await (const part of bytes) {
      if (!(part instanceof Uint8Array)) throw noBytes();
      size += part.byteLength;
      if (size > maxBytes) {
        const message = `a payload has ${maxBytes} bytes at most`;
        throw new RunchartError('artifact-too-large', message);
      }
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  }

  #note(lease: string, kept: KeptPayload): void {
    const known = this.#known.get(lease) ?? new Map<string, KeptPayload>();
    known.set(kept.digest, kept);
    this.#known.delete(lease);
    this.#known.set(lease, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_LEASES && oldest !== undefined) this.#known.delete(oldest);
  }
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function noBytes(): RunchartError {
  return new RunchartError('argument-invalid', 'a payload comes as an async iterable of bytes');
}
