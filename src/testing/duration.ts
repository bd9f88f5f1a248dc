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
