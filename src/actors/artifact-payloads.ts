/**
 * Puts large payloads of artifacts where they are kept, between the end of a handler and the message
 * that tells of it. Invariants: a payload is durable before its turn is decided; a payload that cannot
 * be kept is a fault of the result, which is told all the same, so that no work is done again for it.
 */
import { createHash } from 'node:crypto';
import { RunchartError } from '../errors.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';
import { type Clock, elapse } from './environment.js';
import type { HandlerReturn, ReturnedValue, SpilledPayload } from './messages.js';
import type { ArtifactStore } from './ports.js';
import { digestIn, readPayload } from './read-payload.js';
import { asResultRecord } from './result-record.js';

export interface PayloadLimits {
  /** Largest payload that is kept in a row, in bytes of JSON. */
  readonly inlinePayloadBytes: number;
  /** Largest payload of one artifact, in bytes of JSON. */
  readonly maxPayloadBytes: number;
}

/** A payload that is kept. */
export interface KeptPayload {
  /** `file:sha256:…`. */
  readonly pointer: string;
  /** SHA-256 of its JSON text, in hexadecimal. */
  readonly digest: string;
  /** Size of its JSON text in UTF-8. */
  readonly bytes: number;
}

/** Waits between the tries to keep a payload, in milliseconds. */
const WAITS_MS: readonly number[] = [20, 100, 500, 2_000];
/** How many of the largest payloads one result may have. */
const PAYLOADS_OF_A_RESULT = 4;

export class ArtifactPayloads {
  readonly #store: ArtifactStore;
  readonly #limits: PayloadLimits;
  readonly #clock: Clock;

  constructor(store: ArtifactStore, limits: PayloadLimits, clock: Clock) {
    this.#store = store;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** The result with its large payloads taken out and kept; at once where it has none. Never rejects. `run` is the id of its run. */
  keep(result: HandlerReturn, run: string): HandlerReturn | Promise<HandlerReturn> {
    if (result.type !== 'returned' || !hasArtifacts(result.value)) return result;
    const converted = toJsonValue(result.value, { maxBytes: this.maxBytesOfResult });
    // Whoever assesses it says what is wrong with it.
    const record = converted.ok ? asResultRecord(converted.value) : undefined;
    const large = record === undefined ? [] : this.#largeOf(record);
    return record === undefined || large.length === 0 ? result : this.#spill(record, large, run);
  }

  /** Largest payload, in bytes of JSON. */
  get maxBytes(): number {
    return this.#limits.maxPayloadBytes;
  }

  /** Largest payloads of one result together, in bytes of JSON. */
  get maxBytesOfResult(): number {
    return PAYLOADS_OF_A_RESULT * this.#limits.maxPayloadBytes;
  }

  /**
   * Keeps a payload that comes as a JSON text, however small it is. Rejects with `argument-invalid`,
   * `artifact-too-large`, `commit-failed`; then nothing of it is kept.
   */
  async keepText(text: string, run: string): Promise<KeptPayload> {
    const json = this.#jsonOf(text);
    const bytes = Buffer.byteLength(json);
    const digest = createHash('sha256').update(json).digest('hex');
    const fault = await this.#put(digest, json, run);
    if (fault !== undefined) throw new RunchartError('commit-failed', fault.message);
    return { pointer: `file:sha256:${digest}`, digest, bytes };
  }

  /** As it is kept, whatever it was written like. */
  #jsonOf(text: string): string {
    const maxBytes = this.#limits.maxPayloadBytes;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new RunchartError('argument-invalid', 'the payload is not JSON');
    }
    const converted = toJsonValue(value, { maxBytes });
    if (converted.ok && converted.json !== undefined) return converted.json;
    const why = converted.ok ? 'it is empty' : `${converted.path || '/'}: ${converted.message}`;
    throw new RunchartError('argument-invalid', `the payload is not JSON that can be kept: ${why}`);
  }

  /** The payload at a pointer `file:sha256:…`, as the tenant of a run has it. Rejects with `argument-invalid` or `artifact-corrupt`. */
  async read(pointer: string, run: string): Promise<JsonValue> {
    return readPayload(this.#store, digestIn(pointer), run);
  }

  #largeOf({ artifacts }: JsonObject): LargePayload[] {
    if (!Array.isArray(artifacts)) return [];
    return artifacts.flatMap((artifact, index) => {
      const payload = payloadOf(artifact);
      if (payload === undefined) return [];
      const text = JSON.stringify(payload);
      const bytes = Buffer.byteLength(text);
      return bytes > this.#limits.inlinePayloadBytes ? [{ index, payload, text, bytes }] : [];
    });
  }

  async #spill(
    record: JsonObject,
    large: readonly LargePayload[],
    run: string,
  ): Promise<ReturnedValue> {
    const spilled = new Map<number, SpilledPayload>();
    let fault: ReturnedValue['fault'];
    for (const { index, payload, text, bytes } of large) {
      const digest = createHash('sha256').update(text).digest('hex');
      const refused =
        bytes > this.#limits.maxPayloadBytes
          ? this.#tooLarge(index, bytes)
          : await this.#put(digest, text, run);
      spilled.set(index, { payload, bytes, digest: refused === undefined ? digest : null });
      fault ??= refused;
    }
    const value = withoutPayloads(record, spilled);
    return { type: 'returned', value, spilled, ...(fault !== undefined && { fault }) };
  }

  #tooLarge(index: number, bytes: number) {
    const { maxPayloadBytes } = this.#limits;
    const message = `the payload of artifact ${index} has ${bytes} bytes, and may have ${maxPayloadBytes}`;
    return { code: 'artifact-too-large', message };
  }

  /** Tries a bounded number of times; says why it was in vain, or nothing. */
  async #put(digest: string, text: string, run: string): Promise<ReturnedValue['fault']> {
    for (let tries = 0; ; tries++) {
      try {
        await this.#store.put(digest, text, run);
        return undefined;
      } catch (error) {
        const waitMs = WAITS_MS[tries];
        if (waitMs === undefined) {
          const why = error instanceof Error ? error.message : String(error);
          return { code: 'artifact-not-stored', message: `a payload could not be kept: ${why}` };
        }
        await elapse(this.#clock, waitMs);
      }
    }
  }
}

interface LargePayload {
  readonly index: number;
  readonly payload: JsonValue;
  readonly text: string;
  readonly bytes: number;
}

/** Looks without running a getter: most results have no artifacts, and cost nothing here. */
function hasArtifacts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    const artifacts: unknown = Object.getOwnPropertyDescriptor(value, 'artifacts')?.value;
    return Array.isArray(artifacts) && artifacts.length > 0;
  } catch {
    return false;
  }
}

function payloadOf(artifact: JsonValue): JsonValue | undefined {
  if (artifact === null || typeof artifact !== 'object' || Array.isArray(artifact))
    return undefined;
  return artifact.payload;
}

function withoutPayloads(
  record: JsonObject,
  spilled: ReadonlyMap<number, SpilledPayload>,
): JsonObject {
  const artifacts = (record.artifacts as JsonObject[]).map((artifact, index) => {
    if (!spilled.has(index)) return artifact;
    const { payload: _payload, ...rest } = artifact;
    return rest;
  });
  return { ...record, artifacts };
}
