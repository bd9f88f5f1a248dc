/** Copies payload files from the folder of one database to that of another, durably. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { artifactsPath } from './artifact-files.js';
import { copyDurably, flush } from './durable-files.js';
import { namedPayloads } from './named-payloads.js';
import type { Reader } from './reader.js';
import { payloadPath } from './verify-database.js';

const DIGEST = /^[0-9a-f]{64}$/;
const PAGE = 256;

/** Names of the payload files of the database at `path`. */
export async function payloadsOf(path: string): Promise<string[]> {
  const folder = artifactsPath(path);
  const names: string[] = [];
  for (const part of await namesIn(folder)) {
    names.push(...(await namesIn(join(folder, part))).filter((name) => DIGEST.test(name)));
  }
  return names.sort();
}

/** Copies what is there and not yet copied. A file that is removed meanwhile is left out. */
export async function copyPayloads(from: string, to: string): Promise<void> {
  const copied = new Set(await payloadsOf(to));
  const folders = new Set<string>();
  for (const name of await payloadsOf(from)) {
    if (copied.has(name)) continue;
    const folder = join(artifactsPath(to), name.slice(0, 2));
    await mkdir(folder, { recursive: true });
    folders.add(folder);
    await copyDurably(payloadPath(from, name), payloadPath(to, name)).catch(async (error) => {
      await rm(payloadPath(to, name), { force: true });
      if (error.code !== 'ENOENT') throw error;
    });
  }
  for (const folder of folders) await flush(folder);
  if (folders.size > 0) await flush(artifactsPath(to));
}

/** Removes the files that no row of the database at `path` names. */
export async function dropUnnamed(reader: Reader, path: string): Promise<void> {
  const names = await payloadsOf(path);
  for (let first = 0; first < names.length; first += PAGE) {
    const page = names.slice(first, first + PAGE);
    const named = await namedPayloads(reader, page);
    for (const name of page) if (!named.has(name)) await rm(payloadPath(path, name));
  }
}

/** Size of the payload files of the database at `path`, in bytes. */
export async function payloadBytes(path: string, names: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const name of names) bytes += (await stat(payloadPath(path, name))).size;
  return bytes;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
