/** The connection that reads, with statements that it keeps. */
import { statSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { Reader } from '../../src/persistence/reader.js';
import { openStorage } from '../../src/persistence/storage.js';
import { WriteConnection } from '../../src/persistence/write-connection.js';
import { temporaryDatabase } from '../support/temporary.js';
import { TurnMaker } from './support/turns.js';

async function opened() {
  const path = temporaryDatabase();
  const storage = await openStorage({ database: path });
  const turns = new TurnMaker();
  for (let run = 1; run <= 50; run += 1) await storage.journal.commit(turns.start(run));
  await storage.close();
  const [reader, writer] = [new Reader(path), new WriteConnection(path)];
  onTestFinished(() => {
    reader.close();
    writer.close();
  });
  return { path, reader, writer };
}

it('S157 statements that are kept hold back no copy of the log into the database, failed ones neither', async () => {
  const { path, reader, writer } = await opened();
  const queries = [
    'select cast(json_array(id) as blob) from runs where run > ? limit 3',
    'select cast(json_array(run) as blob) from runs where run > ?',
    // Fails on a row in the middle.
    "select cast(json_array(json_extract(case when run > 20 then '{' else '{}' end, '$')) as blob) from runs where run > ?",
  ];
  for (let round = 0; round < 3; round += 1) {
    const read = await Promise.allSettled(queries.map((sql) => reader.cells(sql, [0])));
    expect(read.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    writer.transact([{ sql: 'update runs set updated_at = updated_at + ?', args: [1] }]);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    expect(writer.rows('pragma wal_checkpoint(truncate)')).toEqual([[0, 0, 0]]);
    expect(statSync(`${path}-wal`).size).toBe(0);
  }
});

it('S157 a read sees what was committed before it, also through a statement that it has used', async () => {
  const { reader, writer } = await opened();
  for (let round = 1; round <= 3; round += 1) {
    writer.transact([{ sql: 'update runs set updated_at = ?', args: [round] }]);
    const rows = await reader.jsonRows(
      'select cast(json_array(max(updated_at), min(updated_at)) as blob) from runs',
    );
    expect(rows).toEqual([[round, round]]);
  }
});
