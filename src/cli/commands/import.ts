import type { Command } from 'commander';
import type { Imported } from '../../index.js';
import { databaseCommand, type Finish, finishing } from '../command.js';
import type { DatabaseOption } from '../database.js';
import { type OwnerWork, onOwner } from '../on-owner.js';
import { print } from '../output.js';

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
  const { as } = options;
  const named = as === undefined ? {} : { as };
  const work: OwnerWork<Imported> = {
    here: (orchestrator) => orchestrator.import(file, named),
    elsewhere: (owner) => owner.import(file, named),
  };
  return report(await onOwner(options, work, { isNew: true }));
}

function report({ run, created, runs, hash }: Imported): undefined {
  print(created ? `run ${run} is here, ${runs} in all` : `run ${run} was here already`);
  print(hash);
  return undefined;
}
