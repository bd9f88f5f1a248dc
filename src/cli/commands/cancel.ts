import type { Command } from 'commander';
import { defaultResponder } from '../ask.js';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { print } from '../output.js';
import { findRun, type HandlersOption, hostFor } from '../stored-run.js';

interface CancelOptions extends HandlersOption {
  readonly reason?: string;
}

/** Cancels a run; waits for its end where this process carries it. */
export function cancelCommand(finish: Finish): Command {
  return databaseCommand('cancel', 'cancel a run')
    .argument('<run>')
    .option('--reason <text>', 'why, for the log of the run')
    .option('--handlers <module>', 'handlers, where they are not those of the start')
    .action(finishing(finish, cancel));
}

async function cancel(id: string, options: CancelOptions): Promise<ExitCode> {
  const by = defaultResponder();
  const reason = options.reason === undefined ? {} : { reason: options.reason };
  const host = await hostFor(await findRun(id, options), options);
  if (host.is === 'elsewhere') {
    await host.owner.command(id, 'cancel', { by, ...reason });
    print(`run ${id} is being cancelled`);
    return EXIT.ok;
  }
  try {
    await host.orchestrator.cancel(id, { by, ...reason });
    const { status } = await host.orchestrator.result(id);
    print(`run ${id} is ${status}`);
    return EXIT.ok;
  } finally {
    await host.orchestrator.close();
  }
}
