/** What values settings can have, and how they are read: from a file as JSON, from elsewhere as text. */
import { resolve } from 'node:path';
import { parseDuration } from '../plan/durations.js';

export interface Kind<T> {
  /** How the value is written, for people. */
  readonly shape: string;
  /** Undefined where the value is none of this kind. `folder` is what relative paths are relative to. */
  read(value: unknown, folder: string): T | undefined;
}

export const text: Kind<string> = {
  shape: 'text',
  read: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
};

export const path: Kind<string> = {
  shape: 'path',
  read: (value, folder) =>
    typeof value === 'string' && value !== '' ? resolve(folder, value) : undefined,
};

/** A database keeps the form in which it was named: a path, or a `file:` URL. */
export const database: Kind<string> = {
  shape: 'path or `file:` URL',
  read(value, folder) {
    if (typeof value !== 'string' || value === '') return undefined;
    const isRelative = folder !== process.cwd() && !value.startsWith('file:');
    return isRelative ? resolve(folder, value) : value;
  },
};

/** Milliseconds. */
export const duration: Kind<number> = {
  shape: 'duration',
  read(value) {
    if (typeof value === 'string' && /^\d+$/.test(value)) return parseDuration(Number(value));
    const isDuration = typeof value === 'string' || typeof value === 'number';
    return isDuration ? parseDuration(value) : undefined;
  },
};

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
  return {
    shape: `whole number, ${range}`,
    read(value) {
      const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
      const isInRange = Number.isSafeInteger(number) && Number(number) >= least;
      return isInRange && Number(number) <= most ? Number(number) : undefined;
    },
  };
}

export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  return {
    shape: values.map((value) => `\`${value}\``).join(', '),
    read: (value) => values.find((known) => known === value),
  };
}

/** A list in a file; elsewhere its items stand behind each other, with commas between. */
export function listOf<T>(item: Kind<T>): Kind<readonly T[]> {
  return {
    shape: `list of ${item.shape}`,
    read(value, folder) {
      const values = typeof value === 'string' ? value.split(',') : value;
      if (!Array.isArray(values)) return undefined;
      const items = values.map((one) =>
        item.read(typeof one === 'string' ? one.trim() : one, folder),
      );
      return items.includes(undefined) ? undefined : (items as T[]);
    },
  };
}
