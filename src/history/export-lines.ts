/**
 * Reads the lines of an exported file, gzipped or not. Invariants: 1. memory holds one line; 2. the file
 * ends with the digest of all before it, or it is damaged, which shows when its end is reached.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import type { RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { RUN } from '../persistence/rows.js';
import { RUN_TABLES } from '../persistence/run-tables.js';
import {
  EXPORT_FORMAT,
  EXPORT_VERSION,
  EXPORTED_TABLES,
  type ExportedRow,
  type ExportHead,
  type ExportLine,
  MAX_LINE_BYTES,
} from './export-format.js';

export type BodyLine = Exclude<ExportLine, ExportHead | { readonly sum: string }>;

export interface ExportFile {
  readonly head: ExportHead;
  /** Lines between the head and the digest; ends with an error where the file is damaged. */
  readonly body: AsyncIterable<BodyLine>;
  /** The digest, once the body has come to its end. */
  sum(): string;
}

/** Opens a file. Rejects with `export-unknown-format`, `export-damaged`, `argument-invalid`. */
export async function openExport(path: string): Promise<ExportFile> {
  const hash = createHash('sha256');
  const lines = textLines(await readBytes(path));
  const first = await lines.next();
  const head = readHead(first.done === true ? '' : first.value);
  hash.update(`${first.value}\n`);
  let sum: string | undefined;
  async function* body(): AsyncGenerator<BodyLine> {
    for await (const text of lines) {
      if (sum !== undefined) throw damaged('there is something after its digest');
      const line = parseLine(text);
      if ('sum' in line) {
        if (line.sum !== hash.digest('hex')) throw damaged('its digest does not fit');
        sum = line.sum;
        continue;
      }
      hash.update(`${text}\n`);
      yield line as BodyLine;
    }
    if (sum === undefined) throw damaged('it breaks off');
  }
  return { head, body: body(), sum: () => sum ?? '' };
}

const GZIP_MAGIC = [0x1f, 0x8b];

async function readBytes(path: string): Promise<AsyncIterable<Buffer>> {
  const start = Buffer.alloc(GZIP_MAGIC.length);
  try {
    const file = await open(path);
    await file.read(start, 0, start.length, 0).finally(() => file.close());
  } catch (cause) {
    const { message } = cause as Error;
    throw new RunchartError('argument-invalid', `${path} cannot be read: ${message}`, { cause });
  }
  const bytes = createReadStream(path);
  if (!GZIP_MAGIC.every((byte, place) => start[place] === byte)) return bytes;
  const gunzip = createGunzip();
  bytes.on('error', (error) => gunzip.destroy(error));
  return bytes.pipe(gunzip);
}

const NEWLINE = 0x0a;

async function* textLines(bytes: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let pieces: Buffer[] = [];
  let length = 0;
  const take = (piece: Buffer): void => {
    pieces.push(piece);
    length += piece.length;
    if (length > MAX_LINE_BYTES) throw damaged('a line of it is too long');
  };
  try {
    for await (const chunk of bytes) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        take(chunk.subarray(start, end));
        yield Buffer.concat(pieces).toString('utf8');
        pieces = [];
        length = 0;
        start = end + 1;
      }
      take(chunk.subarray(start));
    }
  } catch (error) {
    if (error instanceof RunchartError) throw error;
    throw damaged(`it cannot be read to its end: ${(error as Error).message}`);
  }
  if (length > 0) throw damaged('it breaks off within a line');
}

function readHead(text: string): ExportHead {
  let head: Partial<ExportHead> | null = null;
  try {
    head = JSON.parse(text) as Partial<ExportHead> | null;
  } catch {
    // Not JSON: no export.
  }
  if (head === null || head.format !== EXPORT_FORMAT || typeof head.run !== 'string') {
    throw new RunchartError('export-unknown-format', 'the file is no exported run');
  }
  if (head.version !== EXPORT_VERSION) {
    const message = `the file has version ${head.version} of the format, this program reads ${EXPORT_VERSION}`;
    throw new RunchartError('export-unknown-format', message, { hint: 'upgrade' });
  }
  return head as ExportHead;
}

function parseLine(text: string): ExportLine {
  try {
    const line = JSON.parse(text) as ExportLine | null;
    if (typeof line === 'object' && line !== null) return line;
  } catch {
    // Said below.
  }
  throw damaged('a line of it is no JSON object');
}

/** The file is not as it was written. */
export function damaged(what: string): RunchartError {
  return new RunchartError('export-damaged', `the file is damaged: ${what}`, {
    hint: 'export the run again, or copy the file again',
  });
}

/** A run's row as this program knows it. Throws `export-damaged` where it is none. */
export function completeRun(record: RunRecord): RunRecord {
  return RUN.complete(record) ?? refuse('runs');
}

/** As `completeRun`, for the rows of its tables. */
export function completeRow({ table, record }: ExportedRow): ExportedRow {
  if (!EXPORTED_TABLES.includes(table)) return refuse(table);
  const complete = RUN_TABLES[table].codec.complete(record) ?? refuse(table);
  return { table, record: complete } as ExportedRow;
}

function refuse(table: string): never {
  throw damaged(`a row of it is none of the table "${table}"`);
}
