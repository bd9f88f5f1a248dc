import type { Command } from 'commander';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { print } from '../output.js';
import { findRun, type HandlersOption, hostFor } from '../stored-run.js';

/** Takes one step of a paused run. */
export function stepCommand(finish: Finish): Command {
  return databaseCommand(
    'step',
    'take one step of a paused run; what comes of it waits for the next',
  )
    .argument('<run>')
    .option('--handlers <module>', 'handlers, where they are not those of the start')
    .action(finishing(finish, step));
}

async function step(run: string, options: HandlersOption): Promise<undefined> {
  const host = await hostFor(await findRun(run, options), options);
  if (host.is === 'elsewhere') await host.owner.command(run, 'step');
  else {
    try {
      await host.orchestrator.step(run);
    } finally {
      // Handlers at work finish first, or get their time to.
      await host.orchestrator.close();
    }
  }
  print(`run ${run} has taken a step`);
}
