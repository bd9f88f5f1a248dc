import type { Command } from 'commander';
import { type ChangeOptions, changeCommand, changeRun } from '../change-run.js';
import { type Finish, finishing } from '../command.js';
import type { ExitCode } from '../exit-codes.js';

/** A node counts as skipped. */
export function skipCommand(finish: Finish): Command {
  return changeCommand('skip', 'let a node count as skipped')
    .argument('<node>')
    .action(finishing(finish, skip));
}

function skip(run: string, node: string, options: ChangeOptions): Promise<ExitCode> {
  return changeRun(run, options, {
    verb: 'skip',
    body: { node },
    here: ({ change }, asked) => change.skipNode(run, node, asked),
    tell: () => [`node ${node} of run ${run} is skipped`],
  });
}
