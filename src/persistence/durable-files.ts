/** Files that are on the disk when the call resolves. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

export interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

/** Copies a file that is not open as a database, and flushes the copy. Refuses to overwrite. */
export async function copyDurably(from: string, to: string): Promise<Written> {
  const target = await open(to, 'wx');
  try {
    const written = await measure(from, async (chunk) => {
      await target.writeFile(chunk);
    });
    await target.sync();
    return written;
  } finally {
    await target.close();
  }
}

/** Writes a new file and flushes it. Refuses to overwrite. */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  await flushing(file, () => file.writeFile(content));
}

/** Flushes a file or a folder that is there. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  await flushing(file, async () => {});
}

/** What is in a folder; nothing where there is none. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** Size and SHA-256 of a file that is not open as a database. */
export function measure(
  path: string,
  onChunk: (chunk: Buffer) => Promise<void> = async () => {},
): Promise<Written> {
  const hash = createHash('sha256');
  let bytes = 0;
  return pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      await onChunk(chunk);
    }
    return { bytes, sha256: hash.digest('hex') };
  });
}

async function flushing(file: FileHandle, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
    await file.sync();
  } finally {
    await file.close();
  }
}
