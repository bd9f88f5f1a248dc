/** Keeps the body of a request in a file while it is worked with: it may be too large for memory. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Context } from 'hono';
import { RequestError } from './problem.js';

/** Largest file that is taken. */
const MAX_FILE_BYTES = 4 * 1024 ** 3;
const TYPES: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/gzip',
  'application/octet-stream',
]);

/** Calls `use` with the path of the file, which is gone afterwards. Rejects with a RequestError. */
export async function spooled<T>(context: Context, use: (file: string) => Promise<T>): Promise<T> {
  requireType(context.req.header('content-type') ?? '');
  const folder = await mkdtemp(join(tmpdir(), 'runchart-import-'));
  try {
    const file = join(folder, 'file');
    const { body } = context.req.raw;
    const bytes = body === null ? Readable.from([]) : Readable.fromWeb(body as ReadableStream);
    await pipeline(bytes, limit(), createWriteStream(file, { mode: 0o600 }));
    return await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function requireType(contentType: string): void {
  const [type = ''] = contentType.split(';');
  if (TYPES.has(type.trim().toLowerCase())) return;
  throw new RequestError(
    'content-type-refused',
    'The body is not announced as an exported run.',
    'Send it with `content-type: application/x-ndjson`, or `application/gzip`.',
  );
}

function limit(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= MAX_FILE_BYTES) done(null, chunk);
      else
        done(
          new RequestError('body-too-large', `The file is larger than ${MAX_FILE_BYTES} bytes.`),
        );
    },
  });
}
