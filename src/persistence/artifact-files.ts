/**
 * Payloads of artifacts as files beside the database, `<database>.artifacts/<2 digits>/<digest>`.
 * Invariants: a file is whole, or it is not there; it is on the disk before `put` resolves; it is never
 * changed. One that no row names, left by a turn that was void, is harmless.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArtifactStore } from '../actors/ports.js';

const DIGEST = /^[0-9a-f]{64}$/;

/** Folder of the payloads of the database at this path. */
export function artifactsPath(database: string): string {
  return `${database}.artifacts`;
}

export class ArtifactFiles implements ArtifactStore {
  readonly #folder: string;
  /** The same payload at the same time is written once. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(database: string) {
    this.#folder = artifactsPath(database);
  }

  put(digest: string, text: string): Promise<void> {
    const found = this.#underWay.get(digest);
    if (found !== undefined) return found;
    const written = this.#write(this.#pathOf(digest), Buffer.from(text)).finally(() =>
      this.#underWay.delete(digest),
    );
    this.#underWay.set(digest, written);
    return written;
  }

  async get(digest: string): Promise<string | undefined> {
    try {
      return await readFile(this.#pathOf(digest), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** A file that is there already may be damaged: it is written anew. */
  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const folder = dirname(path);
    const made = await mkdir(folder, { recursive: true });
    const draft = `${path}.${randomUUID()}`;
    try {
      await flushing(await open(draft, 'wx'), (file) => file.writeFile(bytes));
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await flushFolder(folder);
    if (made !== undefined) for (const parent of parentsOf(folder, made)) await flushFolder(parent);
  }

  #pathOf(digest: string): string {
    if (!DIGEST.test(digest)) throw new Error(`"${digest}" is no digest of a payload`);
    return join(this.#folder, digest.slice(0, 2), digest);
  }
}

/** The folders whose entries are new: from that of `made`, the outermost one that was made, inwards. */
function parentsOf(folder: string, made: string): string[] {
  const parents: string[] = [];
  for (let inner = folder; inner.length >= made.length; inner = dirname(inner)) {
    parents.unshift(dirname(inner));
  }
  return parents;
}

function flushFolder(path: string): Promise<void> {
  return open(path, 'r').then((folder) => flushing(folder, async () => {}));
}

async function flushing(
  file: FileHandle,
  write: (file: FileHandle) => Promise<unknown>,
): Promise<void> {
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
}
