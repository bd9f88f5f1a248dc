/** Durations as authors write them. */

/** A whole number of milliseconds, seconds, minutes, hours or days. */
export const DURATION_PATTERN = /^[0-9]{1,12}(ms|s|m|h|d)$/;

/** The largest first. */
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

const UNIT_MS: Readonly<Record<string, number>> = Object.fromEntries(UNITS);

/** Milliseconds of a duration: a number of them, or a text such as `90s`; undefined for anything else. */
export function parseDuration(duration: number | string): number | undefined {
  if (typeof duration === 'number') {
    return Number.isSafeInteger(duration) && duration >= 0 ? duration : undefined;
  }
  if (!DURATION_PATTERN.test(duration)) return undefined;
  const unit = /[a-z]+$/.exec(duration)?.[0] ?? '';
  return Number(duration.slice(0, -unit.length)) * (UNIT_MS[unit] ?? 0);
}

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
