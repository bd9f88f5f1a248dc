import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqliteAccess } from '../../src/persistence/access.js';
import { namedPayloads } from '../../src/persistence/named-payloads.js';
import type { Reader } from '../../src/persistence/reader.js';
import { sqlRows } from '../../src/persistence/sql-rows.js';
import { type DatabaseStorage, openStorage } from '../../src/persistence/storage.js';

let folder: string;
let storage: DatabaseStorage;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runchart-plans-'));
  storage = await openStorage({ database: join(folder, 'runs.db') });
});
afterAll(async () => {
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

/** How the database goes about the query that `ask` makes. */
async function planOf(ask: (reader: Reader) => Promise<unknown>): Promise<string> {
  const asked: { sql: string; args: never[] }[] = [];
  const listening = new Proxy(storage.reader, {
    get: (reader, name) => {
      const method = Reflect.get(reader, name) as (...given: unknown[]) => unknown;
      return (...given: unknown[]) => {
        const at = given.findIndex((one) => typeof one === 'string');
        asked.push({ sql: given[at] as string, args: (given[at + 1] ?? []) as never[] });
        return method.apply(reader, given);
      };
    },
  });
  await ask(listening);
  const [{ sql, args } = { sql: '', args: [] }] = asked;
  const steps = await storage.reader.cells(`explain query plan ${sql}`, args);
  return steps.map((step) => String(step.at(-1))).join('\n');
}

describe('lists of one tenant', () => {
  const tenant = 'acme';
  it('S223 promise 14: look at its own rows alone, in order, by an index', async () => {
    const runs = await planOf((reader) => sqlRows(reader).listRuns({ tenant, limit: 50 }));
    expect(runs).toMatch(/^SEARCH runs USING INDEX runs_tenant \(/);
    expect(runs).not.toMatch(/SCAN|TEMP B-TREE/);
    const byStatus = await planOf((reader) =>
      sqlRows(reader).listRuns({ tenant, limit: 50, status: 'running' }),
    );
    expect(byStatus).toMatch(/^SEARCH runs USING INDEX runs_tenant_status \(/);
    expect(byStatus).not.toMatch(/SCAN|TEMP B-TREE/);
    const tasks = await planOf((reader) =>
      sqlRows(reader).listTasks({ tenant, limit: 50, status: 'open' }),
    );
    expect(tasks).toMatch(/SEARCH tasks USING INDEX tasks_status_run \(status=\? AND run=\?\)/);
    expect(tasks).toMatch(/SEARCH runs USING (COVERING )?INDEX runs_tenant_status/);
    expect(tasks).not.toContain('SCAN');
  });

  it('S197 of tokens and records too', async () => {
    const tokens = await planOf((reader) =>
      new SqliteAccess(reader).listTokens({ tenant, limit: 50, after: '' }),
    );
    expect(tokens).toMatch(/^SEARCH t USING INDEX tokens_tenant/);
    const audit = await planOf((reader) =>
      new SqliteAccess(reader).listAudit({ tenant, limit: 50, before: undefined }),
    );
    expect(audit).toMatch(/^SEARCH a USING INDEX audit_tenant/);
    expect(tokens + audit).not.toMatch(/SCAN|TEMP B-TREE/);
  });
});

describe('inputs of attempts', () => {
  it('S90 are found by the keys of their tables', async () => {
    const asked = [{ node: 'a', generation: 1, attempt: 1 }];
    const found = await planOf((reader) => sqlRows(reader).inputsOf(1, asked));
    expect(found.match(/SCAN \w+/g)).toEqual(['SCAN json_each']);
    const key = '(run=? AND node=? AND generation=? AND attempt';
    for (const place of [
      `past_inputs USING PRIMARY KEY ${key}>?)`,
      `p USING PRIMARY KEY ${key}=?)`,
    ]) {
      expect(found).toContain(`SEARCH ${place}`);
    }
    expect(found).toContain('SEARCH n USING PRIMARY KEY (run=? AND node=?)');
    expect(found).toContain('SEARCH g USING PRIMARY KEY (run=? AND node=? AND generation=?)');
  });
});

it('S173 who names a payload file is looked up, whatever artifacts there are', async () => {
  const digest = 'a'.repeat(64);
  const named = await planOf((reader) => namedPayloads(reader, [digest]));
  expect(named).toMatch(/SEARCH a USING (COVERING )?INDEX artifacts_digest \(digest=\?\)/);
  expect(named).not.toMatch(/SCAN (a|r)\b/);
});
