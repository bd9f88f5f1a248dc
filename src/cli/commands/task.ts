import type { Command } from 'commander';
import type { JsonObject, TaskChanged, Tasks } from '../../index.js';
import { defaultResponder } from '../ask.js';
import { command, databaseCommand, type Finish, finishing } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { UsageError } from '../failure.js';
import { print } from '../output.js';
import type { TaskVerb } from '../remote.js';
import { findRun, findTask, type HandlersOption, hostFor } from '../stored-run.js';

interface TaskOptions extends HandlersOption {
  readonly as?: string;
}

/** What people do with a task beside answering it. */
export function taskCommand(finish: Finish): Command {
  return command('task', 'claim, release, hand on, assign or put off a task')
    .addCommand(
      verb('claim', 'take a task: nobody else may answer it then', finish, byName('claim')),
    )
    .addCommand(verb('release', 'give a task back', finish, byName('release')))
    .addCommand(
      verb('delegate', 'hand a task on', finish, (to, options) => {
        const body = { by: nameOf(options), to: to ?? '' };
        return { body, apply: (tasks, id) => tasks.delegate(id, body) };
      }).argument('<name>', 'who gets it'),
    )
    .addCommand(
      verb(
        'assign',
        'give a task to somebody, or without a name to nobody',
        finish,
        (to, options) => {
          const body = { by: nameOf(options), to: to ?? null };
          return { body, apply: (tasks, id) => tasks.assign(id, body) };
        },
      ).argument('[name]', 'who gets it'),
    )
    .addCommand(
      verb('extend', 'put the deadline of a task off', finish, (time, options) => {
        const body = { by: nameOf(options), deadlineAt: readTime(time ?? '') };
        return { body, apply: (tasks, id) => tasks.extend(id, body) };
      }).argument('<time>', 'the new deadline, as 2027-01-31T12:00:00Z'),
    );
}

/** What a verb does: in this process, and as a request to another. */
interface Change {
  readonly body: JsonObject;
  apply(tasks: Tasks, id: string): Promise<TaskChanged>;
}

type ReadChange = (argument: string | undefined, options: TaskOptions) => Change;

function verb(name: TaskVerb, summary: string, finish: Finish, read: ReadChange): Command {
  const action = async (id: string, ...rest: unknown[]): Promise<ExitCode> => {
    const [options, argument] = rest.length > 2 ? [rest[1], rest[0]] : [rest[0]];
    const change = read(argument as string | undefined, options as TaskOptions);
    return changeTask(id, name, change, options as TaskOptions);
  };
  return databaseCommand(name, summary)
    .argument('<task>', 'id of the task, or of a run that has only one open')
    .option('--as <name>', 'who you are (default: the name you are logged in with)')
    .option('--handlers <module>', 'handlers, where they are not those of the start')
    .action(finishing(finish, action));
}

async function changeTask(
  id: string,
  name: TaskVerb,
  { body, apply }: Change,
  options: TaskOptions,
): Promise<ExitCode> {
  const task = await findTask(id, options);
  const host = await hostFor(await findRun(task.run, options), options);
  if (host.is === 'elsewhere') {
    report(await host.owner.change(task.id, name, body));
    return EXIT.ok;
  }
  try {
    report(await apply(host.orchestrator.tasks, task.id));
    return EXIT.ok;
  } finally {
    await host.orchestrator.close();
  }
}

function byName(name: 'claim' | 'release'): ReadChange {
  return (_argument, options) => {
    const body = { by: nameOf(options) };
    return { body, apply: (tasks, id) => tasks[name](id, body) };
  };
}

function nameOf({ as }: TaskOptions): string {
  return as ?? defaultResponder();
}

function report({ task, assignee, deadlineAt }: TaskChanged): void {
  const owner = assignee === null ? 'nobody' : assignee;
  const until = deadlineAt === null ? '' : `, until ${new Date(deadlineAt).toISOString()}`;
  print(`task ${task} belongs to ${owner}${until}`);
}

function readTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw new UsageError(`"${text}" is no time`, { hint: 'write it as 2027-01-31T12:00:00Z' });
}
