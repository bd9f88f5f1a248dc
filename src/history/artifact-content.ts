/** Contents of artifacts that are kept outside of the database, by their SHA-256. */
import { createHash, type Hash } from 'node:crypto';
import type { ArtifactStore } from '../actors/ports.js';

/** The bytes of a content that the run with this id has; undefined where there is none. */
export async function readContent(
  store: Pick<ArtifactStore, 'get'>,
  digest: string,
  run: string,
): Promise<Uint8Array | undefined> {
  const text = await store.get(digest, run);
  return text === undefined ? undefined : Buffer.from(text);
}

/** Keeps the bytes, which were compared with the digest before, for the run with this id. The same content again changes nothing. */
export async function writeContent(
  store: Pick<ArtifactStore, 'put'>,
  digest: string,
  pieces: AsyncIterable<Uint8Array>,
  run: string,
): Promise<void> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  await store.put(digest, Buffer.concat(parts).toString('utf8'), run);
}

/** Compares contents with their digests as their pieces come. */
export class ContentCheck {
  #open: { readonly digest: string; readonly hash: Hash } | undefined;

  /** False where the content came to its end and does not fit, or another one began within it. */
  take({ digest, data, isLast }: { digest: string; data: string; isLast: boolean }): boolean {
    this.#open ??= { digest, hash: createHash('sha256') };
    if (this.#open.digest !== digest) return false;
    this.#open.hash.update(data, 'base64');
    if (!isLast) return true;
    const found = this.#open.hash.digest('hex');
    this.#open = undefined;
    return digest === found || digest === `sha256:${found}`;
  }

  get isBetween(): boolean {
    return this.#open === undefined;
  }
}
