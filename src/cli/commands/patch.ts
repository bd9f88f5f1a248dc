import type { Command } from 'commander';
import { type ChangeOptions, changeCommand, changeRun } from '../change-run.js';
import { type Finish, finishing } from '../command.js';
import type { ExitCode } from '../exit-codes.js';
import { readValue } from '../files.js';

interface PatchOptions extends ChangeOptions {
  readonly input: string;
}

/** Another input for a node that has not used the one it has. */
export function patchCommand(finish: Finish): Command {
  return changeCommand('patch', 'give a node another input that is ready, blocked or asks a person')
    .argument('<node>')
    .requiredOption('--input <file>', 'the input: a file, - for standard input, or JSON in place')
    .action(finishing(finish, patch));
}

async function patch(run: string, node: string, options: PatchOptions): Promise<ExitCode> {
  const input = await readValue(options.input);
  return changeRun(run, options, {
    verb: 'patch',
    body: { node, input },
    here: ({ change }, asked) => change.patchInput(run, node, { ...asked, input }),
    tell: () => [`node ${node} of run ${run} has another input`],
  });
}
