import type { Command } from 'commander';
import { RunchartError } from '../../index.js';
import type { Schedule } from '../../schedules/schedule.js';
import type { Triggered } from '../../schedules/schedule-service.js';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { conductRun } from '../conduct.js';
import type { DatabaseOption } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { onOwner } from '../on-owner.js';
import { print } from '../output.js';
import type { HandlersOption } from '../stored-run.js';
import { describeNext } from './schedule-create.js';

/** Stops a schedule; its runs go on. */
export function pauseScheduleCommand(finish: Finish): Command {
  return databaseCommand('pause', 'start nothing by itself any more; runs go on')
    .argument('<id>')
    .action(finishing(finish, (id: string, option: DatabaseOption) => change(id, 'pause', option)));
}

/** Goes on with a paused schedule. */
export function resumeScheduleCommand(finish: Finish): Command {
  return databaseCommand('resume', 'go on from now; nothing before is made up for')
    .argument('<id>')
    .action(
      finishing(finish, (id: string, option: DatabaseOption) => change(id, 'resume', option)),
    );
}

/** Removes a schedule; its runs go on. */
export function removeScheduleCommand(finish: Finish): Command {
  return databaseCommand('remove', 'remove a schedule; runs go on')
    .argument('<id>')
    .action(finishing(finish, remove));
}

/** Asks for a run of a schedule now. */
export function triggerScheduleCommand(finish: Finish): Command {
  return databaseCommand('trigger', 'ask for a run now, whether the schedule is paused or not')
    .argument('<id>')
    .option('--handlers <module>', 'ES module that exports the handlers, where no server runs')
    .action(finishing(finish, trigger));
}

async function change(
  id: string,
  verb: 'pause' | 'resume',
  option: DatabaseOption,
): Promise<undefined> {
  const schedule = await onOwner<Schedule>(option, {
    here: ({ schedules }) => schedules[verb](id),
    elsewhere: (owner) => owner.post(`/schedules/${encodeURIComponent(id)}/${verb}`),
  });
  print(`schedule ${id} occurs ${describeNext(schedule)}`);
  return undefined;
}

async function remove(id: string, option: DatabaseOption): Promise<undefined> {
  await onOwner(option, {
    async here({ schedules }) {
      if (await schedules.remove(id)) return;
      throw new RunchartError('schedule-unknown', `there is no schedule "${id}"`);
    },
    elsewhere: (owner) => owner.post(`/schedules/${encodeURIComponent(id)}/remove`),
  });
  print(`schedule ${id} is removed`);
  return undefined;
}

/** Where no server runs, this process stays with the run that it has started. */
async function trigger(id: string, options: HandlersOption): Promise<ExitCode> {
  return onOwner<ExitCode>(options, {
    async here(orchestrator) {
      const triggered = await orchestrator.schedules.trigger(id);
      report(triggered);
      if (triggered.outcome !== 'started') return exitCodeOf(triggered);
      return conductRun(orchestrator, triggered.run, options);
    },
    async elsewhere(owner) {
      const triggered = await owner.post<Triggered>(`/schedules/${encodeURIComponent(id)}/trigger`);
      report(triggered);
      return exitCodeOf(triggered);
    },
  });
}

function report({ run, outcome }: Triggered): void {
  print(outcome === 'skipped' ? 'skipped: a run is at work' : `run ${run} is ${outcome}`);
}

function exitCodeOf({ outcome }: Triggered): ExitCode {
  return outcome === 'skipped' ? EXIT.failed : EXIT.ok;
}
