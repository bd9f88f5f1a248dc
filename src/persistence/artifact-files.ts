/**
 * Payloads of artifacts as files beside the database, `<database>.artifacts/<2 digits>/<name>`; the
 * name is the digest, and in a tenant `~` and the tenant behind it.
 * Invariants: a file is whole, or it is not there; it is on the disk before `put` resolves; it is never
 * changed. One that no row names, left by a void turn or by a run that was removed, is harmless, and goes
 * with the next trim.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PAYLOAD_NAME, payloadName } from '../actors/payload-name.js';
import type { ArtifactStore, PayloadCodec } from '../actors/ports.js';
import { decodePayload } from './decode-payload.js';
import { flush, namesIn, writeDurably } from './durable-files.js';

/** Files that are looked at together. */
const PAGE_FILES = 256;
/** Folder of the payloads of the database at this path. */
export function artifactsPath(database: string): string {
  return `${database}.artifacts`;
}

export class ArtifactFiles implements ArtifactStore {
  readonly #folder: string;
  /** The same payload at the same time is written once, and not removed meanwhile. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** A payload that comes again is written when its removal is over. */
  readonly #going = new Map<string, Promise<unknown>>();
  /** Folders that are there, or are being made. */
  readonly #prepared = new Map<string, Promise<void>>();

  readonly #payloads: PayloadCodec | undefined;

  /** `payloads` is how they are stored, where not as they are. */
  constructor(database: string, payloads?: PayloadCodec) {
    this.#folder = artifactsPath(database);
    this.#payloads = payloads;
  }

  put(digest: string, text: string, run: string): Promise<void> {
    const name = payloadName(digest, run);
    const found = this.#underWay.get(name);
    if (found !== undefined) return found;
    const path = this.#pathOf(name);
    const gone = this.#going.get(name) ?? Promise.resolve();
    const written = gone
      .then(() => this.#write(path, Buffer.from(this.#payloads?.encode(text, run) ?? text)))
      .finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, written);
    return written;
  }

  async get(digest: string, run: string): Promise<string | undefined> {
    try {
      const stored = await readFile(this.#pathOf(payloadName(digest, run)), 'utf8');
      return this.#payloads === undefined ? stored : decodePayload(this.#payloads, stored);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** What is encrypted can be read as a whole only. */
  async open(digest: string, run: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    if (this.#payloads !== undefined) return undefined;
    try {
      // Once it is open it can be read to its end, whatever retention removes.
      return (await open(this.#pathOf(payloadName(digest, run)))).createReadStream();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async *putBefore(time: number): AsyncGenerator<readonly string[], void, undefined> {
    for (const folder of await namesIn(this.#folder)) {
      const names = (await namesIn(join(this.#folder, folder))).filter((name) =>
        PAYLOAD_NAME.test(name),
      );
      for (let first = 0; first < names.length; first += PAGE_FILES) {
        const page = names.slice(first, first + PAGE_FILES);
        const ages = await Promise.all(page.map((name) => this.#changedAt(name)));
        yield page.filter((_, place) => (ages[place] ?? time) < time);
      }
    }
  }

  remove(name: string, time: number): Promise<boolean> {
    if (this.#underWay.has(name) || this.#going.has(name)) return Promise.resolve(false);
    const gone = this.#unlink(name, time).finally(() => this.#going.delete(name));
    this.#going.set(
      name,
      gone.catch(() => {}),
    );
    return gone;
  }

  async #unlink(name: string, time: number): Promise<boolean> {
    if (((await this.#changedAt(name)) ?? time) >= time) return false;
    await rm(this.#pathOf(name), { force: true });
    return true;
  }

  /** When a file was written, in milliseconds since the epoch; undefined where there is none. */
  async #changedAt(name: string): Promise<number | undefined> {
    try {
      return (await stat(this.#pathOf(name))).mtimeMs;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** A file that is there already may be damaged: it is written anew. */
  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const folder = dirname(path);
    const draft = `${path}.${randomUUID()}`;
    try {
      await this.#prepare(folder);
      await writeDurably(draft, bytes);
      await rename(draft, path);
      await flush(folder);
    } catch (error) {
      // Somebody may have removed the folder meanwhile.
      this.#prepared.delete(folder);
      await rm(draft, { force: true });
      throw error;
    }
  }

  /** Makes a folder, durably: whoever comes while that goes on waits for it too. */
  #prepare(folder: string): Promise<void> {
    const known = this.#prepared.get(folder);
    if (known !== undefined) return known;
    const made = makeFolder(folder, this.#folder);
    this.#prepared.set(folder, made);
    return made;
  }

  #pathOf(name: string): string {
    if (!PAYLOAD_NAME.test(name)) throw new Error(`"${name}" is no name of a payload`);
    return join(this.#folder, name.slice(0, 2), name);
  }
}

async function makeFolder(folder: string, parent: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await flush(parent);
  await flush(dirname(parent));
}
