/** Turns what a caller names into the absolute path of a database file, and names the files beside it. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StorageError } from './storage-error.js';

/** Absolute path of the database that `location` names: a plain path or a `file:` URL. Links are followed. */
export function parseDatabasePath(location: string): string {
  if (location.includes(':memory:') || location === '' || location === 'file:') {
    throw new StorageError(
      'memory-refused',
      'A database in memory cannot be shared by the journal and its readers.',
      {
        hint: 'Name a file, for instance in a temporary directory.',
      },
    );
  }
  return followLinks(resolve(parsePath(location)));
}

function parsePath(location: string): string {
  if (location.startsWith('file:/')) return fileURLToPath(location);
  if (location.startsWith('file:')) return decodeURIComponent(location.slice('file:'.length));
  if (/^[a-z][a-z+.-]+:\/\//i.test(location)) {
    throw new StorageError(
      'cannot-open',
      `${location.split('://', 1)[0]}: is not a database file.`,
      {
        hint: 'The embedded host keeps its runs in a local file: give a path or a file: URL.',
      },
    );
  }
  return location;
}

/** Two names of one file lead to one path, so that they meet at one lock. */
function followLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    try {
      return join(realpathSync(dirname(path)), basename(path));
    } catch (cause) {
      throw new StorageError('cannot-open', `The directory ${dirname(path)} does not exist.`, {
        hint: 'Create the directory first.',
        cause,
      });
    }
  }
}

/** The path as the libSQL client takes it. */
export function clientUrl(path: string): string {
  return `file:${path.split('/').map(encodeURIComponent).join('/')}`;
}

export function lockPath(path: string): string {
  return `${path}-lock`;
}

export function headPath(path: string): string {
  return `${path}-head`;
}
