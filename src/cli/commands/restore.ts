import type { Command } from 'commander';
import { restoreDatabase } from '../../index.js';
import { addJson, type Finish, finishing, localCommand } from '../command.js';
import { type DatabaseOption, databaseOf, prepareFolder } from '../database.js';
import { print, printJson, when } from '../output.js';

/** Puts a backup where there is no database yet. */
export function restoreCommand(finish: Finish): Command {
  return addJson(localCommand('restore', 'put a backup in a new place, and verify it there'))
    .argument('<folder>')
    .action(finishing(finish, restore));
}

async function restore(
  folder: string,
  options: DatabaseOption & { readonly json?: true },
): Promise<undefined> {
  const database = databaseOf(options);
  prepareFolder(database);
  const restored = await restoreDatabase(folder, database);
  if (options.json) printJson(restored);
  else {
    const { runs, createdAt } = restored;
    print(`${database}: ${runs} runs as of ${when(createdAt)} UTC, verified`);
  }
  return undefined;
}
