import type { Command } from 'commander';
import type { ForkedRun, JsonObject } from '../../index.js';
import { type ChangeOptions, changeCommand, changeRun } from '../change-run.js';
import { type Finish, finishing } from '../command.js';
import type { ExitCode } from '../exit-codes.js';
import { requirePlan } from '../files.js';

interface ReplaceCommandOptions extends ChangeOptions {
  readonly id?: string;
}

/** Makes a new run of one, with another plan, and cancels that one. */
export function replaceCommand(finish: Finish): Command {
  return changeCommand('replace', 'cancel a run for a new one with another plan')
    .argument('<plan>', 'file with the plan, JSON or YAML')
    .option('--id <id>', 'id of the new run')
    .action(finishing(finish, replace));
}

async function replace(
  run: string,
  file: string,
  options: ReplaceCommandOptions,
): Promise<ExitCode> {
  const { plan } = await requirePlan(file);
  const named = options.id === undefined ? {} : { id: options.id };
  return changeRun<ForkedRun>(run, options, {
    verb: 'replace',
    body: { plan: plan as unknown as JsonObject, ...named },
    here: ({ change }, asked) => change.replace(run, plan, { ...asked, ...named }),
    tell: ({ id, carried }) => [
      `run ${id} takes the place of run ${run}`,
      ...carried.map((node) => `carried over ${node}`),
    ],
    follow: ({ id }) => id,
  });
}
