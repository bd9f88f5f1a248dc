import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workplace } from './support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.leave());

const PLAN = 'title: Work\nnodes: [{ kind: action, id: only, handler: work }]\nedges: []\n';
const MARK = 'quince-marmalade';

describe('commands over an encrypted database', () => {
  it('S231 find the keys by the configuration, and say so where they are not there', async () => {
    const keys = { k1: randomBytes(32).toString('base64') };
    place.write('keys.json', JSON.stringify({ current: { '': 'k1' }, keys }));
    const config = place.write('runchart.config.json', JSON.stringify({ keys: 'keys.json' }));
    const plan = place.write('work.yaml', PLAN);
    const module = place.write('work.mjs', 'export const handlers = { work: (input) => input };');
    const input = JSON.stringify({ asked: MARK });
    const run = ['run', plan, '--handlers', module, '--input', input, '--id', 'r1'];
    expect(await place.cli(...run)).toMatchObject({ code: 0 });
    const shown = await place.cli('show', 'r1', '--json');
    expect(JSON.parse(shown.stdout).inputs).toEqual({ asked: MARK });
    for (const file of [place.database, `${place.database}-wal`]) {
      expect(readFileSync(file, { encoding: 'latin1', flag: 'a+' })).not.toContain(MARK);
    }
    const backup = await place.cli('backup', join(place.folder, 'copy'), '--json');
    expect(backup.code).toBe(0);

    rmSync(config);
    const unread = await place.cli('show', 'r1');
    expect(unread.code).not.toBe(0);
    expect(unread.stderr).toMatch(/payload cannot be read[\s\S]*keys/);
    expect(await place.cli('runs')).toMatchObject({ code: 0 });
  }, 60_000);

  it('S231 refuse a file that holds no ring, and show nothing of it', async () => {
    const file = place.write('keys.json', JSON.stringify({ current: { '': MARK }, keys: {} }));
    place.write('runchart.config.json', JSON.stringify({ keys: 'keys.json' }));
    place.write('work.yaml', PLAN);
    const ended = await place.cli('serve', 'work.yaml', '--keys', file);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('holds no ring of keys');
  }, 60_000);
});
