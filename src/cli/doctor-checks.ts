/** What `doctor` looks at beside the runs: disk, database, clock, configuration. */
import { CONFIG_VARIABLE } from '../config/read-config.js';
import { SETTING_NAMES, SETTINGS } from '../config/settings.js';
import type { DatabaseExamination } from '../index.js';
import { didYouMean } from '../plan/suggest.js';

export interface Check {
  readonly check: 'disk' | 'database' | 'clock' | 'configuration';
  /** A warning is no fault of the database, and leaves the exit code as it is. */
  readonly severity: 'ok' | 'warning' | 'fault';
  readonly message: string;
}

/** Room that is always wanted, beside a tenth of the database. */
const ROOM_BYTES = 64 * 1024 * 1024;
/** How far a clock may be behind without being worth a word, in milliseconds. */
const CLOCK_SLACK_MS = 2_000;

export function checksOf(
  database: DatabaseExamination,
  now: number,
  env: Readonly<Record<string, string | undefined>>,
): readonly Check[] {
  return [checkDisk(database), checkDatabase(database), checkClock(database, now), checkEnv(env)];
}

function checkDisk({ bytes, logBytes, freeBytes }: DatabaseExamination): Check {
  const message = `${megabytes(freeBytes)} MB free, database ${megabytes(bytes)} MB, log ${megabytes(logBytes)} MB`;
  const isEnough = freeBytes >= ROOM_BYTES + bytes / 10;
  return { check: 'disk', severity: isEnough ? 'ok' : 'fault', message };
}

function checkDatabase({ schema, newestSchema, faults, head }: DatabaseExamination): Check {
  const [fault] = faults;
  const check = 'database';
  if (fault !== undefined) return { check, severity: 'fault', message: `damaged: ${fault}` };
  if (head === 'lost') {
    const message = 'a turn that was committed is gone: the log lost its end, or the copy is old';
    return { check, severity: 'fault', message };
  }
  if (schema > newestSchema) {
    const message = `schema ${schema} is newer than this version, which knows ${newestSchema}`;
    return { check, severity: 'fault', message };
  }
  const message =
    schema === newestSchema
      ? `schema ${schema}`
      : `schema ${schema}; the next owner brings it to ${newestSchema}: take a backup first`;
  return { check, severity: schema === newestSchema ? 'ok' : 'warning', message };
}

function checkClock({ lastTurnAt }: DatabaseExamination, now: number): Check {
  const behindMs = (lastTurnAt ?? 0) - now;
  if (behindMs <= CLOCK_SLACK_MS) {
    return { check: 'clock', severity: 'ok', message: new Date(now).toISOString() };
  }
  const message = `it is ${Math.ceil(behindMs / 1_000)} s behind the newest turn: timers are late by as much`;
  return { check: 'clock', severity: 'fault', message };
}

/** Values that are none were refused before; a name that is none would have no effect at all. */
function checkEnv(env: Readonly<Record<string, string | undefined>>): Check {
  const known = new Set([CONFIG_VARIABLE, ...SETTING_NAMES.map((name) => SETTINGS[name].env)]);
  const odd = Object.keys(env).filter((name) => name.startsWith('RUNCHART_') && !known.has(name));
  if (odd.length === 0) return { check: 'configuration', severity: 'ok', message: 'valid' };
  const said = odd.map((name) => [name, didYouMean(name, known)].filter(Boolean).join(' '));
  const message = `no such setting: ${said.join(', ')}`;
  return { check: 'configuration', severity: 'warning', message };
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
