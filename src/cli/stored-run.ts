/** Finds what a command names in the database, and a host that can change it. */

import type { RunSummary, TaskView } from '../index.js';
import { type DatabaseOption, reading } from './database.js';
import { codeOf, UsageError } from './failure.js';
import { loadApplication } from './files.js';
import { findHost, type Host } from './host.js';
import { handlersIn } from './metadata.js';
import type { RunReads } from './run-reads.js';

export interface HandlersOption extends DatabaseOption {
  readonly handlers?: string;
}

/** Loads the handlers that the run was started with, unless others are named: without them it cannot move. */
export async function hostFor(run: RunSummary, options: HandlersOption): Promise<Host> {
  const module = options.handlers ?? handlersIn(run.metadata);
  return findHost(options, { application: () => loadApplication(module) });
}

export function findRun(id: string, option: DatabaseOption): Promise<RunSummary> {
  return reading(option, (runs) => runs.summary(id));
}

/** The task with this id, or the only open task of the run with this id. */
export function findTask(id: string, option: DatabaseOption): Promise<TaskView> {
  return reading(option, async (runs) => (await taskById(runs, id)) ?? onlyTaskOf(runs, id));
}

async function taskById(runs: RunReads, id: string): Promise<TaskView | undefined> {
  try {
    return await runs.task(id);
  } catch (error) {
    if (codeOf(error) === 'task-unknown') return undefined;
    throw error;
  }
}

async function onlyTaskOf(runs: RunReads, id: string): Promise<TaskView> {
  const details = await runs.details(id).catch(() => undefined);
  if (details === undefined) {
    throw new UsageError(`there is neither a task nor a run ${id}`, {
      hint: 'npx runchart tasks lists the open ones',
    });
  }
  const [task, ...others] = details.tasks;
  if (task !== undefined && others.length === 0) return task;
  throw new UsageError(`run ${id} has ${details.tasks.length} open tasks`, {
    hint: task === undefined ? `it is ${details.status}` : 'name one of them: npx runchart tasks',
  });
}
