import type { Command } from 'commander';
import type { Imported } from '../../index.js';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, databaseOf, prepareFolder } from '../database.js';
import { loadApplication } from '../files.js';
import { findHost } from '../host.js';
import { print } from '../output.js';
import { serverOf } from '../server-option.js';

interface ImportOptions extends DatabaseOption {
  readonly as?: string;
}

/** Brings in a run that was exported. */
export function importCommand(finish: Finish): Command {
  return databaseCommand('import', 'bring in a run that was exported')
    .argument('<file>')
    .option('--as <id>', 'id of the run here')
    .action(finishing(finish, importRun));
}

async function importRun(file: string, options: ImportOptions): Promise<undefined> {
  prepareFolder(databaseOf(options));
  const { as } = options;
  const named = as === undefined ? {} : { as };
  const database = databaseOf(options);
  const host = await findHost({
    database,
    server: serverOf(options),
    application: () => loadApplication(undefined),
  });
  if (host.is === 'elsewhere') return report(await host.owner.import(file, named));
  try {
    report(await host.orchestrator.import(file, named));
  } finally {
    await host.orchestrator.close();
  }
  return undefined;
}

function report({ run, created, runs, hash }: Imported): undefined {
  print(created ? `run ${run} is here, ${runs} in all` : `run ${run} was here already`);
  print(hash);
  return undefined;
}
