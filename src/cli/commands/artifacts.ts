import { writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, reading } from '../database.js';
import { cannotWrite } from '../failure.js';
import { clean, note, print, printJson } from '../output.js';
import type { RunReads } from '../run-reads.js';
import { artifactTable, contentOf } from '../show-artifacts.js';

interface ListOptions extends DatabaseOption {
  readonly json?: true;
}

interface PrintOptions extends ListOptions {
  readonly version?: number;
  readonly out?: string;
}

/** Lists what a run has produced. */
export function artifactsCommand(finish: Finish): Command {
  return addJson(databaseCommand('artifacts', 'list the artifacts of a run, every version'))
    .argument('<run>')
    .action(
      finishing(finish, (id: string, options: ListOptions) =>
        reading(options, (runs) => list(runs, id, options)),
      ),
    );
}

/** Prints one artifact, or writes it to a file. */
export function artifactCommand(finish: Finish): Command {
  return addJson(databaseCommand('artifact', 'print the payload of an artifact'))
    .argument('<run>')
    .argument('<name>')
    .option('--version <n>', 'this version; the newest accepted one otherwise', parseVersion)
    .option('--out <file>', 'write it to this file instead')
    .action(
      finishing(finish, (id: string, name: string, options: PrintOptions) =>
        reading(options, (runs) => printOne(runs, id, name, options)),
      ),
    );
}

async function list(runs: RunReads, id: string, { json }: ListOptions): Promise<undefined> {
  const artifacts = await runs.artifacts(id);
  if (json) printJson(artifacts);
  else if (artifacts.length > 0) print(artifactTable(artifacts));
  else note('none');
}

async function printOne(
  runs: RunReads,
  id: string,
  name: string,
  { json, version, out }: PrintOptions,
): Promise<undefined> {
  const artifact = await runs.artifact(id, name, version);
  const content = json ? `${JSON.stringify(artifact, null, 2)}\n` : contentOf(artifact);
  if (out === undefined) process.stdout.write(content);
  else {
    try {
      writeFileSync(out, content);
    } catch (error) {
      throw cannotWrite(out, error);
    }
    note(clean(`artifact ${name}, version ${artifact.version}, is in ${out}`));
  }
}

function parseVersion(text: string): number {
  const version = Number(text);
  if (Number.isSafeInteger(version) && version > 0) return version;
  throw new InvalidArgumentError('Expected the number of a version.');
}
