/** Contents of artifacts that are kept outside of the database, by their SHA-256. */
import { createHash, type Hash } from 'node:crypto';

export interface ArtifactContents {
  /** The bytes, in pieces of any size; undefined where there is no such content. */
  read(digest: string): AsyncIterable<Uint8Array> | undefined;
  /** Keeps the bytes; rejects where they do not fit the digest. The same content again changes nothing. */
  write(digest: string, pieces: AsyncIterable<Uint8Array>): Promise<void>;
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
