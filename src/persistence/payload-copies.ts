/** Copies payload files from the folder of one database to that of another, durably. */
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PAYLOAD_NAME } from '../actors/payload-name.js';
import { artifactsPath } from './artifact-files.js';
import { copyDurably, flush, measure, namesIn } from './durable-files.js';
import { payloadPath } from './verify-database.js';

/** Names of the payload files of the database at `path`. */
async function payloadsOf(path: string): Promise<string[]> {
  const folder = artifactsPath(path);
  const names: string[] = [];
  for (const part of await namesIn(folder)) {
    names.push(...(await namesIn(join(folder, part))).filter((name) => PAYLOAD_NAME.test(name)));
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

/** The payload files of the database at `path`: how many, how large, and a digest over names and contents. */
export async function measurePayloads(
  path: string,
): Promise<{ readonly count: number; readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  const names = await payloadsOf(path);
  let bytes = 0;
  for (const name of names) {
    const file = await measure(payloadPath(path, name));
    hash.update(`${name} ${file.sha256}\n`);
    bytes += file.bytes;
  }
  return { count: names.length, bytes, sha256: hash.digest('hex') };
}
