/**
 * Brings a database to the newest schema. Invariants: 1. all missing migrations, the application id
 * and the schema number are one transaction, so that a kill leaves either the old schema or the new;
 * 2. `user_version` counts the migrations applied, and a released migration never changes.
 */

import { fileURLToPath } from 'node:url';
import type { Client } from '@libsql/client/sqlite3';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { APPLICATION_ID, checkSchemaVersion } from './database-file.js';
import { readNumber } from './sql.js';

/** Two levels up from `src/persistence` and from `dist/persistence` alike. */
const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../drizzle', import.meta.url));

/** The migrations of this version, each as its statements, oldest first. */
export function loadMigrations(): readonly (readonly string[])[] {
  return readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER }).map(({ sql }) => sql);
}

/** Applies what is missing. Returns whether anything was. */
export async function migrate(
  client: Client,
  migrations: readonly (readonly string[])[],
): Promise<boolean> {
  const found = await readNumber(client, 'pragma user_version');
  checkSchemaVersion(found, migrations.length);
  if (found === migrations.length) return false;
  await client.batch(
    [
      `pragma application_id = ${APPLICATION_ID}`,
      ...migrations.slice(found).flat(),
      `pragma user_version = ${migrations.length}`,
    ],
    'write',
  );
  return true;
}
