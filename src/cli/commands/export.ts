import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Command } from 'commander';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, reading } from '../database.js';
import { cannotWrite } from '../failure.js';
import { note } from '../output.js';
import type { RunReads } from '../run-reads.js';

interface ExportOptions extends DatabaseOption {
  readonly out?: string;
  readonly gzip?: true;
  readonly withSecrets?: true;
}

/** Writes a run that has ended to a file. */
export function exportCommand(finish: Finish): Command {
  return databaseCommand('export', 'write a run that has ended, with all that is stored of it')
    .argument('<run>')
    .option('--out <file>', 'the file; standard output unless given')
    .option('--gzip', 'compress it')
    .option('--with-secrets', 'also what its plan calls secret')
    .action(
      finishing(finish, (id: string, options: ExportOptions) =>
        reading(options, (runs) => exportRun(runs, id, options)),
      ),
    );
}

async function exportRun(
  runs: RunReads,
  id: string,
  { out, gzip, withSecrets }: ExportOptions,
): Promise<undefined> {
  const lines = Readable.from(runs.export(id, withSecrets ? { secrets: 'include' } : {}), {
    objectMode: false,
  });
  const packed = gzip ? [createGzip()] : [];
  if (out === undefined) {
    await pipeline([lines, ...packed, process.stdout], { end: false });
    return;
  }
  // Under its own name only when it is whole.
  const partial = `${out}.part`;
  try {
    await pipeline([lines, ...packed, createWriteStream(partial)]);
    await rename(partial, out);
  } catch (error) {
    await rm(partial, { force: true });
    throw cannotWrite(out, error);
  }
  note(`run ${id} is in ${out}`);
}
