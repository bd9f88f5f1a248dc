import type { Command } from 'commander';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { conductRun } from '../conduct.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { print } from '../output.js';
import { findRun, type HandlersOption, hostFor } from '../stored-run.js';

/** Goes on with a run, and stays with it where this process carries it. */
export function resumeCommand(finish: Finish): Command {
  return databaseCommand('resume', 'go on with a run that was paused, or whose process has stopped')
    .argument('<run>')
    .option('--handlers <module>', 'handlers, where they are not those of the start')
    .action(finishing(finish, resume));
}

async function resume(id: string, options: HandlersOption): Promise<ExitCode> {
  const host = await hostFor(await findRun(id, options), options);
  if (host.is === 'elsewhere') {
    await host.owner.command(id, 'resume');
    print(`run ${id} goes on in the server at ${host.owner.address}`);
    return EXIT.ok;
  }
  const { orchestrator } = host;
  try {
    const { seq } = await orchestrator.runs.head(id);
    await orchestrator.resume(id);
    return await conductRun(orchestrator, id, options, seq);
  } finally {
    await orchestrator.close();
  }
}
