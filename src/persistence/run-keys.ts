/** Reads of keys that runs were started under. */
import type { ReplacedRun, RunKeyRecord, RunKeyRows } from '../actors/ports.js';
import type { Reader } from './reader.js';
import { RUN_KEY } from './rows.js';

const FIND = `select cast(${RUN_KEY.expression('k')} as blob) from run_keys k
  where k.purpose = ? and k.key = ?`;

const SUPERSEDED = `select cast(json_array(old.id) as blob) from run_keys k
  join runs old on old.id = k.superseded_id and old.status = 'pending'
  join runs new on new.id = k.run_id
  where k.purpose = 'debounce' and old.id > ? order by old.id limit ?`;

const REPLACED = `select cast(json_array(old.id, new.id) as blob) from run_keys k
  join runs old on old.id = k.key
    and old.status not in ('completed', 'partial', 'failed', 'cancelled')
  join runs new on new.id = k.run_id
    and new.origin_json->>'type' = 'replacement' and new.origin_json->>'run' = old.id
  where k.purpose = 'replacement' and k.key > ? order by k.key limit ?`;

export class SqliteRunKeys implements RunKeyRows {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async find(purpose: RunKeyRecord['purpose'], key: string): Promise<RunKeyRecord | undefined> {
    const [found] = await this.#reader.records(RUN_KEY, FIND, [purpose, key]);
    return found;
  }

  async superseded(after: string, limit: number): Promise<readonly string[]> {
    const rows = await this.#reader.jsonRows(SUPERSEDED, [after, limit]);
    return rows.map((row) => (row as [string])[0]);
  }

  async replaced(after: string, limit: number): Promise<readonly ReplacedRun[]> {
    const rows = await this.#reader.jsonRows(REPLACED, [after, limit]);
    return rows.map((row) => {
      const [run, by] = row as [string, string];
      return { run, by };
    });
  }
}
