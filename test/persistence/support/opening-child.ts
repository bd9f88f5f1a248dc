/** Opens a database, prints `open` or the error as JSON, and waits to be killed if it is open. */
import { writeSync } from 'node:fs';
import { openStorage } from '../../../src/persistence/storage.js';
import { StorageError } from '../../../src/persistence/storage-error.js';

const [database = ''] = process.argv.slice(2);
try {
  await openStorage({ database });
  writeSync(1, 'open\n');
} catch (error) {
  if (!(error instanceof StorageError)) throw error;
  const { code, owner } = error;
  writeSync(1, `${JSON.stringify({ code, owner })}\n`);
  process.exit(0);
}
