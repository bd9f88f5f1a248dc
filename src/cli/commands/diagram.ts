import type { Command } from 'commander';
import { planToMermaid } from '../../index.js';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, reading } from '../database.js';
import { UsageError } from '../failure.js';
import { requirePlan } from '../files.js';
import { print } from '../output.js';

interface DiagramOptions extends DatabaseOption {
  readonly run?: string;
  readonly settings?: boolean;
}

/** Draws a plan, or a run with its statuses and the edges taken. */
export function diagramCommand(finish: Finish): Command {
  return databaseCommand('diagram', 'print a Mermaid diagram of a plan, or of a run')
    .argument('[plan]', 'file with the plan')
    .option('--run <run>', 'draw this run instead: statuses and the edges taken')
    .option('--settings', 'write into comments all that a drawing cannot show; it is a plan then')
    .action(finishing(finish, diagram));
}

async function diagram(file: string | undefined, options: DiagramOptions): Promise<undefined> {
  const { run, settings = false } = options;
  if ((file === undefined) === (run === undefined)) {
    throw new UsageError('name either a plan or, with --run, a run');
  }
  if (run !== undefined) print(await reading(options, (runs) => runs.diagram(run)));
  else if (file !== undefined) print(planToMermaid((await requirePlan(file)).plan, { settings }));
}
