/** Keeps the body of a request in a file while it is worked with: it may be too large for memory. */
import { createHash, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Context } from 'hono';
import { RequestError } from './problem.js';
import { untilBroken } from './read-body.js';

/** Largest file that is taken. */
const MAX_FILE_BYTES = 4 * 1024 ** 3;
const TYPES: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/gzip',
  'application/octet-stream',
]);

export interface SpooledFile {
  readonly path: string;
  /** SHA-256 of what is in it. */
  readonly digest: string;
}

/** Calls `use` with the file, which is gone afterwards. Rejects with a RequestError. */
export async function spooled<T>(
  context: Context,
  use: (file: SpooledFile) => Promise<T>,
): Promise<T> {
  requireType(context.req.header('content-type') ?? '');
  const folder = await mkdtemp(join(tmpdir(), 'runchart-import-'));
  try {
    const path = join(folder, 'file');
    const hash = createHash('sha256');
    const { body } = context.req.raw;
    const bytes = body === null ? Readable.from([]) : untilBroken(body);
    await pipeline(bytes, limit(hash), createWriteStream(path, { mode: 0o600 }));
    return await use({ path, digest: hash.digest('base64url') });
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

/** Tells `hash` what goes through. */
function limit(hash: Hash): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      if (bytes <= MAX_FILE_BYTES) done(null, chunk);
      else
        done(
          new RequestError('body-too-large', `The file is larger than ${MAX_FILE_BYTES} bytes.`),
        );
    },
  });
}
