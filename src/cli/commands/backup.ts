import type { Command } from 'commander';
import { backupDatabase } from '../../index.js';
import { addJson, type Finish, finishing, localCommand } from '../command.js';
import { type DatabaseOption, databaseOf, payloadsOf } from '../database.js';
import { clean, note, print, printJson } from '../output.js';

interface BackupCommandOptions extends DatabaseOption {
  readonly acceptDamage?: true;
  readonly encodedPayloads?: true;
  readonly json?: true;
}

/** Copies a database, beside whoever is at work on it. */
export function backupCommand(finish: Finish): Command {
  return addJson(localCommand('backup', 'copy the database into a new folder, and verify it'))
    .argument('<folder>')
    .option('--accept-damage', 'copy a damaged database as it is')
    .option('--encoded-payloads', 'payloads are stored by a codec, encrypted for instance')
    .action(finishing(finish, backup));
}

async function backup(folder: string, options: BackupCommandOptions): Promise<undefined> {
  const { acceptDamage = false, json } = options;
  const { encodedPayloads = payloadsOf().payloads !== undefined } = options;
  const how = { acceptDamage, encodedPayloads };
  const made = await backupDatabase(databaseOf(options), folder, how);
  for (const finding of made.findings) note(clean(`damaged: ${finding}`));
  if (json) printJson(made);
  else print(`${made.path}: ${made.runs} runs, ${made.bytes} bytes, verified`);
  return undefined;
}
