/** Payloads of artifacts in memory, with the promises of the files on disk but for surviving the process. */
import type { ArtifactStore } from '../actors/ports.js';

export class MemoryArtifacts implements ArtifactStore {
  /** By digest. */
  readonly texts = new Map<string, string>();
  /** Number of times that keeping a payload is still to fail. */
  failures = 0;
  /** Number of times that a payload was handed over. */
  puts = 0;

  async put(digest: string, text: string, _run: string): Promise<void> {
    this.puts += 1;
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('the disk is full');
    }
    this.texts.set(digest, text);
  }

  /** Nothing in memory is old: it goes with the process. */
  async *putBefore(): AsyncGenerator<readonly string[], void, undefined> {}

  async remove(): Promise<boolean> {
    return false;
  }

  async get(digest: string): Promise<string | undefined> {
    return this.texts.get(digest);
  }
}
