import type { Command } from 'commander';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, reading } from '../database.js';
import { note, print, printJson } from '../output.js';
import { describeTask } from '../show-tasks.js';

/** Lists what people are asked, oldest first. */
export function tasksCommand(finish: Finish): Command {
  return addJson(databaseCommand('tasks', 'list open tasks: what people are asked')).action(
    finishing(finish, async (options: DatabaseOption & { json?: true }) => {
      const open = await reading(options, (runs) => runs.openTasks());
      if (options.json) printJson({ tasks: open });
      else if (open.length === 0) note('nobody is asked anything');
      else print(open.map((task) => describeTask(task, options)).join('\n\n'));
      return undefined;
    }),
  );
}
