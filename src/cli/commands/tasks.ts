import type { Command } from 'commander';
import type { TaskFilter, TaskView } from '../../index.js';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, reading } from '../database.js';
import { note, print, printJson } from '../output.js';
import { describeTask } from '../show-tasks.js';

interface TasksOptions extends DatabaseOption {
  readonly json?: true;
  readonly run?: string;
  readonly assignee?: string;
  readonly for?: string;
  readonly group?: string[];
  readonly status?: TaskView['status'];
}

/** Lists what people are asked, oldest first. */
export function tasksCommand(finish: Finish): Command {
  return addJson(databaseCommand('tasks', 'list open tasks: what people are asked'))
    .option('--run <run>', 'only those of a run')
    .option('--assignee <name>', 'only those that belong to somebody')
    .option('--for <name>', 'only those that somebody may answer')
    .option('--group <group...>', 'with --for: groups that he belongs to')
    .option('--status <status>', 'open, answered, expired, cancelled or superseded')
    .action(finishing(finish, list));
}

async function list(options: TasksOptions): Promise<undefined> {
  const tasks = await reading(options, (runs) => runs.tasks(filterOf(options)));
  if (options.json) printJson({ tasks });
  else if (tasks.length === 0) note('nobody is asked anything');
  else print(tasks.map((task) => describeTask(task, options)).join('\n\n'));
  return undefined;
}

function filterOf(options: TasksOptions): TaskFilter {
  const { run, assignee, status, group = [] } = options;
  const who = options.for === undefined ? undefined : { name: options.for, groups: group };
  return {
    ...(run !== undefined && { run }),
    ...(assignee !== undefined && { assignee }),
    ...(status !== undefined && { status }),
    ...(who !== undefined && { answerableBy: who }),
  };
}
