import type { Command } from 'commander';
import { command, type Finish } from '../command.js';
import {
  pauseScheduleCommand,
  removeScheduleCommand,
  resumeScheduleCommand,
  triggerScheduleCommand,
} from './schedule-change.js';
import { createScheduleCommand } from './schedule-create.js';
import {
  listSchedulesCommand,
  previewScheduleCommand,
  showScheduleCommand,
} from './schedule-show.js';

const COMMANDS = [
  createScheduleCommand,
  listSchedulesCommand,
  showScheduleCommand,
  previewScheduleCommand,
  pauseScheduleCommand,
  resumeScheduleCommand,
  triggerScheduleCommand,
  removeScheduleCommand,
];

/** Starts that recur. They occur while a server has the database. */
export function scheduleCommand(finish: Finish): Command {
  const schedule = command('schedule', 'create, list and change schedules: starts that recur');
  for (const add of COMMANDS) schedule.addCommand(add(finish));
  return schedule;
}
