import type { Command } from 'commander';
import { type ChangeOptions, changeCommand, changeRun } from '../change-run.js';
import { type Finish, finishing } from '../command.js';
import type { ExitCode } from '../exit-codes.js';

/** Goes back to a node: it and all that follows from it begin again. */
export function rollbackCommand(finish: Finish): Command {
  return changeCommand('rollback', 'go back to a node: it and all that follows begin again')
    .argument('<node>')
    .action(finishing(finish, rollback));
}

function rollback(run: string, node: string, options: ChangeOptions): Promise<ExitCode> {
  return changeRun<unknown>(run, options, {
    verb: 'rollback',
    body: { node },
    here: ({ change }, asked) => change.rollback(run, node, asked),
    tell: () => [`run ${run} goes back to node ${node}`],
  });
}
