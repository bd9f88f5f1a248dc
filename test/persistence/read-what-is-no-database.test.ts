import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@libsql/client/sqlite3';
import { describe, expect, it } from 'vitest';
import { openRunReader } from '../../src/open-reader.js';
import { temporaryDirectory } from '../support/temporary.js';

/** Reading it fails with this code and has a hint, and the file stays as it is. */
async function refusal(path: string): Promise<string> {
  const read = async () => {
    const { runs, close } = openRunReader(path);
    await runs.list().finally(close);
  };
  const error = await read().catch((found: unknown) => found as { code: string; hint?: string });
  expect(error).toMatchObject({ hint: expect.stringMatching(/./) });
  return (error as { code: string }).code;
}

describe('reading what is no database of ours', () => {
  it('is refused as what it is, with a hint', async () => {
    const folder = temporaryDirectory();
    const at = (name: string) => join(folder, name);
    mkdirSync(at('folder'));
    writeFileSync(at('empty'), '');
    writeFileSync(at('text'), 'export const handlers = {};\n'.repeat(50));
    const foreign = createClient({ url: `file:${at('foreign')}` });
    await foreign.execute('create table x(a)');
    foreign.close();
    const before = readFileSync(at('foreign'));
    expect(await refusal(at('nothing'))).toBe('cannot-open');
    expect(await refusal(at('folder'))).toBe('cannot-open');
    expect(await refusal(at('empty'))).toBe('cannot-open');
    expect(await refusal(at('text'))).toBe('not-a-database');
    expect(await refusal(at('foreign'))).toBe('foreign-database');
    expect(readFileSync(at('foreign'))).toEqual(before);
  });
});
