import type { Command } from 'commander';
import { type ChangeOptions, changeCommand, changeRun } from '../change-run.js';
import { type Finish, finishing } from '../command.js';
import type { ExitCode } from '../exit-codes.js';
import { readValue } from '../files.js';

interface CompleteOptions extends ChangeOptions {
  readonly output?: string;
  readonly outcome?: string;
  readonly action?: string;
}

/** A node counts as done, with an output given by hand. */
export function completeCommand(finish: Finish): Command {
  return changeCommand('complete', 'let a node count as done, with an output given by hand')
    .argument('<node>')
    .option('--output <file>', 'its output: a file, - for standard input, or JSON in place')
    .option('--outcome <outcome>', 'of an approval: approved, rejected or changes-requested')
    .option('--action <action>', 'the action that the result names')
    .action(finishing(finish, complete));
}

async function complete(run: string, node: string, options: CompleteOptions): Promise<ExitCode> {
  const { outcome, action } = options;
  const result = {
    ...(options.output !== undefined && { output: await readValue(options.output) }),
    ...(outcome !== undefined && { outcome }),
    ...(action !== undefined && { action }),
  };
  return changeRun(run, options, {
    verb: 'complete',
    body: { node, ...result },
    here: ({ change }, asked) => change.completeNode(run, node, { ...asked, ...result }),
    tell: () => [`node ${node} of run ${run} is completed`],
  });
}
