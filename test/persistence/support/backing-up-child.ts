/** Makes backups of a database, one after another, and prints the name of each that is whole. */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { backupDatabase } from '../../../src/persistence/backup.js';

const [database = '', folder = ''] = process.argv.slice(2);
writeSync(1, 'ready\n');
for (let number = 1; ; number += 1) {
  const target = join(folder, `backup-${number}`);
  await backupDatabase(database, target);
  writeSync(1, `${target}\n`);
}
