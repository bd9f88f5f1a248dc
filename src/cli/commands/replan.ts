import type { Command } from 'commander';
import type { JsonObject, PlanDiffEntry, Replanned } from '../../index.js';
import { type ChangeOptions, changeCommand, changeRun } from '../change-run.js';
import { type Finish, finishing } from '../command.js';
import type { ExitCode } from '../exit-codes.js';
import { requirePlan } from '../files.js';

interface ReplanCommandOptions extends ChangeOptions {
  readonly dryRun?: true;
  readonly cancelRunning?: true;
}

/** Gives a run another plan. */
export function replanCommand(finish: Finish): Command {
  return changeCommand('replan', 'give a run that has not ended another plan')
    .argument('<plan>', 'file with the plan, JSON or YAML')
    .option('--dry-run', 'only say what would become of the nodes')
    .option('--cancel-running', 'call off nodes at work that would change')
    .action(finishing(finish, replan));
}

async function replan(run: string, file: string, options: ReplanCommandOptions): Promise<ExitCode> {
  const { plan } = await requirePlan(file);
  const how = { dryRun: options.dryRun === true, cancelRunning: options.cancelRunning === true };
  return changeRun<Replanned>(run, options, {
    verb: 'replan',
    onlyReads: how.dryRun,
    body: { plan: plan as unknown as JsonObject, ...how },
    here: ({ change }, asked) => change.replan(run, plan, { ...asked, ...how }),
    tell: describeReplan,
    ...(how.dryRun && { follow: () => null }),
  });
}

function describeReplan(replanned: Replanned): readonly string[] {
  const { run, isDryRun, kept, rerun, added, removed, conflicts } = replanned;
  const lines = (word: string, entries: readonly PlanDiffEntry[]) =>
    entries.map(({ node, status, why }) => `${word} ${node} (${status}): ${why}`);
  return [
    isDryRun ? `run ${run} would have another plan` : `run ${run} has another plan`,
    ...lines('kept', kept),
    ...lines('runs again', rerun),
    ...lines('added', added),
    ...lines('removed', removed),
    ...(isDryRun ? conflicts.map((node) => `at work and not kept: ${node}`) : []),
  ];
}
