/** Durations as tests write and read them. */
import { parseDuration } from '../plan/durations.js';
import { SimulationError } from './simulation-error.js';

/** Milliseconds of a number of them or of a text such as `5m`. Throws `duration-invalid`. */
export function durationMs(duration: number | string): number {
  const ms = parseDuration(duration);
  if (ms !== undefined) return ms;
  throw new SimulationError(
    'duration-invalid',
    `"${duration}" is no duration: write milliseconds, or a text such as 90s, 5m, 2h, 7d`,
  );
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** The two largest units that are not nothing, as `1d2h`. */
export function formatDuration(ms: number): string {
  let rest = ms;
  const parts: string[] = [];
  for (const [name, unit] of UNITS) {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    if (count > 0) parts.push(`${count}${name}`);
  }
  return parts.slice(0, 2).join('') || '0';
}
