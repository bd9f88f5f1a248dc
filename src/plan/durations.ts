/** Durations as authors write them. */

/** A whole number of milliseconds, seconds, minutes, hours or days. */
export const DURATION_PATTERN = /^[0-9]{1,12}(ms|s|m|h|d)$/;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a duration: a number of them, or a text such as `90s`; undefined for anything else. */
export function parseDuration(duration: number | string): number | undefined {
  if (typeof duration === 'number') {
    return Number.isSafeInteger(duration) && duration >= 0 ? duration : undefined;
  }
  if (!DURATION_PATTERN.test(duration)) return undefined;
  const unit = /[a-z]+$/.exec(duration)?.[0] ?? '';
  return Number(duration.slice(0, -unit.length)) * (UNIT_MS[unit] ?? 0);
}
