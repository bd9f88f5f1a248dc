/**
 * When something recurs: a cron expression in a time zone, or an interval. Pure. A cron expression that
 * names hours goes by the clock on the wall; one that is for every hour goes by elapsed time.
 */
import { Cron, CronPattern } from 'croner';

export interface CronCadence {
  /** Five fields, six with seconds in front, seven with a year at the end, or a word such as `@daily`. */
  readonly cron: string;
  /** An IANA name; UTC where there is none. */
  readonly timeZone?: string | undefined;
}

/** Occurs whenever the time since the epoch, less the offset, is a multiple of the interval. */
export interface IntervalCadence {
  readonly everyMs: number;
  readonly offsetMs?: number | undefined;
}

export type Cadence = CronCadence | IntervalCadence;

/** What is wrong with a cadence. */
export interface CadenceFault {
  readonly property: 'cron' | 'timeZone';
  readonly message: string;
  readonly hint: string;
}

/** The end of the year 9999: nothing occurs later. */
export const END_OF_TIME_MS = 253_402_300_799_999;

const FIELDS = ['second', 'minute', 'hour', 'day', 'month', 'weekday', 'year'];
const DEFAULT_ZONE = 'UTC';
const MAX_LENGTH = 256;
const MAX_CACHED = 1_000;

/** The first occurrence after `afterMs`, in ms since the epoch; undefined where there is none. Throws on a cadence with a fault. */
export function nextOccurrence(cadence: Cadence, afterMs: number): number | undefined {
  const at = 'cron' in cadence ? cronAfter(cadence, afterMs) : intervalAfter(cadence, afterMs);
  return at === undefined || at > END_OF_TIME_MS ? undefined : at;
}

/** The newest occurrence that is not after `untilMs`; undefined where there is none since the epoch. */
export function newestOccurrence(cadence: Cadence, untilMs: number): number | undefined {
  const end = Math.floor(untilMs) + 1;
  const at = 'cron' in cadence ? cronBefore(cadence, end) : intervalBefore(cadence, end);
  return at === undefined || at < 0 ? undefined : at;
}

/** The shortest time between neighbours among the next `count` occurrences, in ms; infinite where there is one at most. */
export function shortestGapMs(cadence: Cadence, afterMs: number, count: number): number {
  if (!('cron' in cadence)) return cadence.everyMs;
  let shortest = Number.POSITIVE_INFINITY;
  let last = nextOccurrence(cadence, afterMs);
  for (let i = 1; i < count && last !== undefined; i++) {
    const next = nextOccurrence(cadence, last);
    if (next !== undefined) shortest = Math.min(shortest, next - last);
    last = next;
  }
  return shortest;
}

/** The first thing that is wrong with a cron expression or its zone, with the column where it stands. */
export function faultOfCron({ cron, timeZone }: CronCadence): CadenceFault | undefined {
  if (!isTimeZone(timeZone ?? DEFAULT_ZONE)) {
    const message = `"${timeZone?.slice(0, 64)}" is no time zone`;
    return {
      property: 'timeZone',
      message,
      hint: 'use an IANA name such as Europe/Berlin, or UTC',
    };
  }
  return cron.trim().startsWith('@') ? faultOfWord(cron) : faultOfFields(cron);
}

function intervalAfter({ everyMs, offsetMs = 0 }: IntervalCadence, afterMs: number): number {
  return (Math.floor((afterMs - offsetMs) / everyMs) + 1) * everyMs + offsetMs;
}

function intervalBefore({ everyMs, offsetMs = 0 }: IntervalCadence, endMs: number): number {
  return (Math.ceil((endMs - offsetMs) / everyMs) - 1) * everyMs + offsetMs;
}

function cronAfter(cadence: CronCadence, afterMs: number): number | undefined {
  return compileCron(cadence)
    .nextRun(new Date(Math.max(afterMs, -1)))
    ?.getTime();
}

function cronBefore(cadence: CronCadence, endMs: number): number | undefined {
  // What lies in the same second before `endMs` counts as before it, fractions included.
  const [at] = compileCron(cadence).previousRuns(1, new Date(endMs));
  return at?.getTime();
}

/** Compiled expressions: compiling one takes as long as twenty occurrences. */
const compiled = new Map<string, Cron>();

function compileCron({ cron, timeZone = DEFAULT_ZONE }: CronCadence): Cron {
  const key = `${timeZone} ${cron}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  if (compiled.size >= MAX_CACHED) compiled.clear();
  const options = { timezone: timeZone, paused: true, fixedTimeRule: 'no-wildcard' } as const;
  const fresh = new Cron(spellOut(cron), options);
  compiled.set(key, fresh);
  return fresh;
}

/**
 * The same expression with its times of day as lists, and every hour as a star. croner goes by the wall's
 * clock where there is neither star nor step: every 20 minutes of an hour that a day lacks would be left out.
 */
function spellOut(cron: string): string {
  const fields = cron.trim().split(/\s+/);
  if (fields.length < 5) return cron;
  const { second, minute, hour } = new CronPattern(cron);
  const hours = hour.every(Boolean) ? '*' : listOf(hour);
  const rest = fields.slice(fields.length === 5 ? 2 : 3);
  return [listOf(second), listOf(minute), hours, ...rest].join(' ');
}

function listOf(flags: readonly number[]): string {
  return flags.flatMap((flag, value) => (flag ? [value] : [])).join(',');
}

function isTimeZone(name: string): boolean {
  try {
    // Offsets such as +02:00 are zones too, to some versions of Node only.
    return /^[A-Za-z]/.test(name) && Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

function faultOfWord(cron: string): CadenceFault | undefined {
  const reason = refusalOf(cron);
  if (reason === undefined) return undefined;
  return {
    property: 'cron',
    message: `"${cron.slice(0, 64)}" is no word for a cron expression`,
    hint: 'use @yearly, @monthly, @weekly, @daily or @hourly',
  };
}

function faultOfFields(cron: string): CadenceFault | undefined {
  const fields = [...cron.slice(0, MAX_LENGTH + 1).matchAll(/\S+/g)];
  if (cron.length > MAX_LENGTH || fields.length < 5 || fields.length > 7) {
    return {
      property: 'cron',
      message: `"${cron.slice(0, 64)}" has ${fields.length} fields; a cron expression has 5 to 7`,
      hint: 'minute hour day month weekday, as in "30 6 * * MON-FRI"',
    };
  }
  const names = fields.length === 5 ? FIELDS.slice(1, 6) : FIELDS;
  const place = fields.findIndex((_, index) => refusalOf(alone(fields, index)) !== undefined);
  const field = fields[place];
  if (field === undefined) return faultOfWhole(cron);
  return {
    property: 'cron',
    message: `${names[place]} "${field[0]}" at column ${field.index + 1} is not valid`,
    hint: `${refusalOf(alone(fields, place))}; fields are ${names.slice(0, fields.length).join(' ')}`,
  };
}

/** The expression with one of its fields, and any value in the others. */
function alone(fields: readonly RegExpExecArray[], place: number): string {
  return fields.map((field, index) => (index === place ? field[0] : '*')).join(' ');
}

function faultOfWhole(cron: string): CadenceFault | undefined {
  const reason = refusalOf(cron);
  if (reason === undefined) return undefined;
  return { property: 'cron', message: `"${cron}" is not valid`, hint: reason };
}

/** Why croner does not take an expression; undefined if it does. */
function refusalOf(cron: string): string | undefined {
  try {
    new CronPattern(cron);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^CronPattern: /, '');
  }
}
