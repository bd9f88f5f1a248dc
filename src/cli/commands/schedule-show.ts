import type { Command } from 'commander';
import type { Client } from '../../client/index.js';
import { openSchedules } from '../../open-schedules.js';
import type { Cadence } from '../../schedules/cadence.js';
import type { CatchUpPolicy, Schedule } from '../../schedules/schedule.js';
import type { ScheduleReader } from '../../schedules/schedule-reader.js';
import { addJson, databaseCommand, type Finish, finishing, parseLimit } from '../command.js';
import { type DatabaseOption, databaseOf, payloadsOf } from '../database.js';
import { clean, note, oneLine, print, printJson, table, when } from '../output.js';
import { clientOf, serverOf } from '../server-option.js';

interface ReadOptions extends DatabaseOption {
  readonly json?: true;
}

interface ListOptions extends ReadOptions {
  readonly limit: number;
  readonly after?: string;
}

interface PreviewOptions extends ReadOptions {
  readonly count: number;
}

/** Lists schedules by id. */
export function listSchedulesCommand(finish: Finish): Command {
  return addJson(databaseCommand('list', 'list schedules, by id'))
    .option('--limit <count>', 'most schedules to list', parseLimit, 100)
    .option('--after <id>', 'only schedules after this one')
    .action(finishing(finish, list));
}

/** Shows a schedule and what became of its occurrences. */
export function showScheduleCommand(finish: Finish): Command {
  return addJson(databaseCommand('show', 'show a schedule and what became of its occurrences'))
    .argument('<id>')
    .action(finishing(finish, show));
}

/** Prints the next occurrences, as if the schedule were not paused. */
export function previewScheduleCommand(finish: Finish): Command {
  return addJson(databaseCommand('preview', 'print when a schedule occurs next'))
    .argument('<id>')
    .option('--count <count>', 'how many occurrences', parseLimit, 10)
    .action(finishing(finish, preview));
}

async function list({ json, limit, after, ...option }: ListOptions): Promise<undefined> {
  const page = { limit, ...(after !== undefined && { after }) };
  const schedules = await reading(option, (reader) => reader.list(page));
  if (json) return void printJson({ schedules });
  if (schedules.length === 0) return void note('there are no such schedules');
  print(table([['SCHEDULE', 'PLAN', 'OCCURS', 'NEXT (UTC)', 'STARTED'], ...schedules.map(toRow)]));
  return undefined;
}

async function show(id: string, options: ReadOptions): Promise<undefined> {
  const schedule = await reading(options, (reader) => reader.get(id));
  if (options.json) return void printJson(schedule);
  for (const line of describe(schedule)) print(clean(line));
  return undefined;
}

async function preview(id: string, { json, count, ...option }: PreviewOptions): Promise<undefined> {
  const occurrences = await reading(option, (reader) => reader.preview(id, count));
  if (json) return void printJson({ occurrences });
  if (occurrences.length === 0) return void note('it occurs no more');
  print(
    table([
      ['OCCURS (UTC)', 'STARTS (UTC)'],
      ...occurrences.map(({ occurrence, startsAt }) => [when(occurrence), when(startsAt)]),
    ]),
  );
  return undefined;
}

type ScheduleReads = Pick<ScheduleReader, 'list' | 'get' | 'preview'>;

function remoteSchedules(client: Client): ScheduleReads {
  return {
    list: async (page) => [...(await client.listSchedules(page)).schedules] as Schedule[],
    get: (id) => client.getSchedule({ id }) as Promise<Schedule>,
    preview: async (id, count) => [
      ...(await client.previewSchedule({ id, ...(count !== undefined && { count }) })).occurrences,
    ],
  };
}

async function reading<T>(
  option: DatabaseOption,
  read: (reader: ScheduleReads) => Promise<T>,
): Promise<T> {
  const server = serverOf(option);
  if (server !== undefined) return read(remoteSchedules(clientOf(server)));
  const { schedules, close } = openSchedules(databaseOf(option), payloadsOf());
  try {
    return await read(schedules);
  } finally {
    close();
  }
}

function toRow({ id, label, cadence, paused, dueAt, counters }: Schedule): string[] {
  const next = paused ? 'paused' : dueAt === null ? 'never' : when(dueAt);
  return [id, oneLine(label, 40), clean(cadenceText(cadence)), next, String(counters.started)];
}

function* describe(schedule: Schedule) {
  const { id, label, plan, cadence, overlap, catchUp, counters, activeRun, queued } = schedule;
  yield `schedule ${id} of "${label}" ${schedule.paused ? 'is paused' : nextText(schedule)}`;
  yield `occurs ${cadenceText(cadence)}; overlap: ${overlap}; catch-up: ${catchUpText(catchUp)}`;
  yield `plan version ${plan}`;
  const counts = Object.entries(counters).map(([name, count]) => `${count} ${name}`);
  yield `occurrences: ${counts.join(', ')}`;
  if (activeRun !== null) yield `started last: run ${activeRun}`;
  if (queued.length > 0) yield `${queued.length} wait for their turn`;
}

function nextText({ dueAt }: Schedule): string {
  return dueAt === null ? 'occurs no more' : `occurs next at ${when(dueAt)} UTC`;
}

function cadenceText(cadence: Cadence): string {
  if ('cron' in cadence) return `${cadence.cron} (${cadence.timeZone ?? 'UTC'})`;
  const { everyMs, offsetMs = 0 } = cadence;
  return `every ${everyMs / 1_000} s${offsetMs === 0 ? '' : ` and ${offsetMs / 1_000} s`}`;
}

function catchUpText(catchUp: CatchUpPolicy): string {
  return typeof catchUp === 'string' ? catchUp : `at most ${catchUp.max}`;
}
