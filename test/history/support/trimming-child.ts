/** Trims a database, and prints a line for each write that is durable. */
import { writeSync } from 'node:fs';
import type { Journal } from '../../../src/actors/ports.js';
import { trim } from '../../../src/history/trim.js';
import { openStorage } from '../../../src/persistence/storage.js';
import { RunReader } from '../../../src/run-reader.js';

const [database = ''] = process.argv.slice(2);
const storage = await openStorage({ database });
const journal: Journal = {
  storePlan: (...plan) => storage.journal.storePlan(...plan),
  commit: (turn) => storage.journal.commit(turn),
  async write(rows) {
    await storage.journal.write(rows);
    writeSync(1, 'written\n');
  },
  release: (run) => storage.journal.release(run),
  health: () => storage.journal.health(),
  close: () => storage.journal.close(),
};
const rows = new RunReader(storage.rows, storage.artifacts).history;
const ages = { olderThanMs: 0, historyOlderThanMs: 0 };
await trim({ rows, journal, contents: storage.artifacts }, Date.now() + 1_000, ages);
writeSync(1, 'trimmed\n');
await storage.close();
process.exit(0);
