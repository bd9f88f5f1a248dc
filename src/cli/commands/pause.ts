import type { Command } from 'commander';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { print } from '../output.js';
import { findRun, type HandlersOption, hostFor } from '../stored-run.js';

/** Stops the scheduling of a run. */
export function pauseCommand(finish: Finish): Command {
  return databaseCommand('pause', 'start nothing new in a run; handlers at work finish')
    .argument('<run>')
    .option('--handlers <module>', 'handlers, where they are not those of the start')
    .action(finishing(finish, pause));
}

async function pause(id: string, options: HandlersOption): Promise<undefined> {
  const host = await hostFor(await findRun(id, options), options);
  if (host.is === 'elsewhere') await host.owner.command(id, 'pause');
  else {
    try {
      await host.orchestrator.pause(id);
    } finally {
      await host.orchestrator.close();
    }
  }
  print(`run ${id} is paused`);
}
