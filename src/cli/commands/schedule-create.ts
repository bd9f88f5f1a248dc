import { type Command, InvalidArgumentError, Option } from 'commander';
import type { JsonValue } from '../../index.js';
import { parseDuration } from '../../plan/durations.js';
import { isJsonObject } from '../../plan/json.js';
import type { Cadence } from '../../schedules/cadence.js';
import type {
  CatchUpPolicy,
  OverlapPolicy,
  Schedule,
  ScheduledRunOptions,
} from '../../schedules/schedule.js';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { UsageError } from '../failure.js';
import { planName, readValue, requirePlan } from '../files.js';
import { type OwnerWork, onOwner } from '../on-owner.js';
import { print, when } from '../output.js';
import type { HandlersOption } from '../stored-run.js';

interface CreateOptions extends HandlersOption {
  readonly cron?: string;
  readonly zone?: string;
  readonly every?: number;
  readonly offset?: number;
  readonly input?: string;
  readonly runOptions?: string;
  readonly overlap?: OverlapPolicy;
  readonly catchUp?: CatchUpPolicy;
  readonly from?: number;
  readonly until?: number;
  readonly jitter?: number;
}

/** Stores a schedule for a plan. */
export function createScheduleCommand(finish: Finish): Command {
  return databaseCommand('create', 'store a schedule for a plan; the same again is the same')
    .argument('<id>', 'letters, digits, and _ . -')
    .argument('<plan>', 'file with the plan, JSON or YAML')
    .option('--cron <expression>', 'when it occurs, as "30 6 * * MON-FRI"')
    .option('--zone <name>', 'time zone of the expression, as Europe/Berlin (default: UTC)')
    .option('--every <duration>', 'interval instead of an expression, as 90s, 15m, 6h', parseTime)
    .option('--offset <duration>', 'place within the interval', parseTime)
    .option('--input <file>', 'file with the input of every run; - for standard input; or JSON')
    .option(
      '--run-options <file>',
      'file with metadata, priority, deadlineMs, budget, concurrency of every run; or JSON',
    )
    .addOption(
      new Option('--overlap <policy>', 'while a run of it is at work (default: skip)').choices([
        'skip',
        'queue',
        'replace',
        'allow',
      ]),
    )
    .option(
      '--catch-up <policy>',
      'what was missed: none, latest, or at most a number (default: latest)',
      parseCatchUp,
    )
    .option('--from <time>', 'when it begins, as 2026-03-01T00:00Z', parseMoment)
    .option('--until <time>', 'when it ends', parseMoment)
    .option('--jitter <duration>', 'each occurrence starts up to this much later', parseTime)
    .option('--handlers <module>', 'ES module that exports the handlers')
    .action(finishing(finish, create));
}

async function create(id: string, file: string, options: CreateOptions): Promise<undefined> {
  const { plan } = await requirePlan(file);
  const input = options.input === undefined ? undefined : await readValue(options.input);
  const runOptions = await runOptionsOf(options);
  const draft = { id, plan, label: planName(file), runOptions, ...settingsOf(options, input) };
  const work: OwnerWork<Schedule> = {
    here: ({ schedules }) => schedules.create(draft),
    elsewhere: (owner) => owner.post('/schedules', draft),
  };
  const schedule = await onOwner(options, work, { isNew: true });
  print(`schedule ${id} occurs ${describeNext(schedule)}`);
  return undefined;
}

/** Whoever creates the schedule looks at what is in them. */
async function runOptionsOf({ runOptions }: CreateOptions): Promise<ScheduledRunOptions> {
  if (runOptions === undefined) return {};
  const value = await readValue(runOptions);
  if (isJsonObject(value)) return value as ScheduledRunOptions;
  throw new UsageError('--run-options is an object');
}

function settingsOf(options: CreateOptions, input: JsonValue | undefined) {
  const { overlap, catchUp, from, until, jitter } = options;
  return {
    cadence: cadenceOf(options),
    ...(input !== undefined && { input }),
    ...(overlap !== undefined && { overlap }),
    ...(catchUp !== undefined && { catchUp }),
    ...(from !== undefined && { startAt: from }),
    ...(until !== undefined && { endAt: until }),
    ...(jitter !== undefined && { jitterMs: jitter }),
  };
}

function cadenceOf({ cron, zone, every, offset }: CreateOptions): Cadence {
  if (cron !== undefined && every === undefined && offset === undefined) {
    return { cron, ...(zone !== undefined && { timeZone: zone }) };
  }
  if (every !== undefined && cron === undefined && zone === undefined) {
    return { everyMs: every, ...(offset !== undefined && { offsetMs: offset }) };
  }
  throw new UsageError('say when it occurs, in one way', {
    hint: 'either --cron, with or without --zone, or --every, with or without --offset',
  });
}

/** When a schedule occurs next, for people. */
export function describeNext({ dueAt, paused }: Schedule): string {
  if (paused) return 'not while it is paused';
  return dueAt === null ? 'no more' : `next at ${when(dueAt)} UTC`;
}

function parseTime(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('Expected a duration such as 90s, 15m, 6h or 1d.');
}

function parseMoment(text: string): number {
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return at;
  throw new InvalidArgumentError('Expected a time such as 2026-03-01T06:00Z.');
}

function parseCatchUp(text: string): CatchUpPolicy {
  if (text === 'none' || text === 'latest') return text;
  const max = Number(text);
  if (Number.isInteger(max) && max >= 1) return { max };
  throw new InvalidArgumentError('Expected none, latest, or a whole number from 1 on.');
}
