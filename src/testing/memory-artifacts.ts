/** Payloads of artifacts in memory, with the promises of the files on disk but for surviving the process. */
import { payloadName } from '../actors/payload-name.js';
import type { ArtifactStore } from '../actors/ports.js';

export class MemoryArtifacts implements ArtifactStore {
  /** By the name of a payload: see payload-name.ts. */
  readonly texts = new Map<string, string>();
  /** Number of times that keeping a payload is still to fail. */
  failures = 0;
  /** Number of times that a payload was handed over. */
  puts = 0;

  async put(digest: string, text: string, run: string): Promise<void> {
    this.puts += 1;
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('the disk is full');
    }
    this.texts.set(payloadName(digest, run), text);
  }

  /** Nothing in memory is old: it goes with the process. */
  async *putBefore(): AsyncGenerator<readonly string[], void, undefined> {}

  async remove(): Promise<boolean> {
    return false;
  }

  async get(digest: string, run: string): Promise<string | undefined> {
    return this.texts.get(payloadName(digest, run));
  }
}
