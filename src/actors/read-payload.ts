/** Reads a payload that is kept outside of rows, and believes it only where it fits its digest. */
import { createHash } from 'node:crypto';
import { RunchartError } from '../errors.js';
import type { JsonValue } from '../plan/json.js';
import type { ArtifactStore } from './ports.js';

/** `run` is the id of the run that has it. Rejects with `artifact-corrupt` where it is gone, or is not what was stored. */
export async function readPayload(
  store: Pick<ArtifactStore, 'get'>,
  digest: string,
  run: string,
): Promise<JsonValue> {
  return JSON.parse(await readText(store, digest, run)) as JsonValue;
}

/**
 * Its text a piece at a time, so that it need not be in memory as a whole; the last piece comes where all of them fit
 * the digest. Rejects as `readPayload`.
 */
export async function* readPieces(
  store: Pick<ArtifactStore, 'get' | 'open'>,
  digest: string,
  run: string,
): AsyncGenerator<string | Uint8Array, void, undefined> {
  const pieces = await store.open?.(digest, run);
  if (pieces === undefined) return yield readText(store, digest, run);
  const hash = createHash('sha256');
  let last: Uint8Array | undefined;
  for await (const piece of pieces) {
    hash.update(piece);
    if (last !== undefined) yield last;
    last = piece;
  }
  if (hash.digest('hex') !== digest) throw corrupt(digest, 'is not what was stored');
  if (last !== undefined) yield last;
}

async function readText(
  store: Pick<ArtifactStore, 'get'>,
  digest: string,
  run: string,
): Promise<string> {
  const text = await store.get(digest, run);
  if (text === undefined) throw corrupt(digest, 'is not there');
  const found = createHash('sha256').update(text).digest('hex');
  if (found !== digest) throw corrupt(digest, 'is not what was stored');
  return text;
}

/** The digest in a pointer; throws `argument-invalid` where it is another pointer. */
export function digestIn(pointer: string): string {
  const [, digest] = /^file:sha256:([0-9a-f]{64})$/.exec(String(pointer)) ?? [];
  if (digest !== undefined) return digest;
  throw new RunchartError('argument-invalid', 'only payloads at file:sha256:… can be read', {
    hint: 'pass the pointer of an artifact whose payload was too large for a row',
  });
}

function corrupt(digest: string, why: string): RunchartError {
  return new RunchartError('artifact-corrupt', `the payload ${digest} ${why}`, {
    hint: 'restore the file of this name from a backup',
  });
}
