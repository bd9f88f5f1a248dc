/** What the commands for webhooks have in common. */
import type { Command } from 'commander';
import type { Delivered } from '../../delivery/delivered.js';
import { localCommand } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { print } from '../output.js';

/** For a command that this process carries out where no server has the database. */
export function ownerCommand(name: string, summary: string): Command {
  return localCommand(name, summary).option(
    '--handlers <module>',
    'ES module that exports `webhooks`, where no server runs',
  );
}

/** Says what came of a message. */
export function tellDelivered({ accepted, status, error }: Delivered): ExitCode {
  print(accepted ? `accepted with ${status}` : `not accepted: ${error?.message ?? ''}`);
  return accepted ? EXIT.ok : EXIT.failed;
}
