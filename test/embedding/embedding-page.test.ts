import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8');

describe('docs/embedding.md', () => {
  it('S214 shows a program that runs, and says what it prints', () => {
    const folder = temporaryDirectory();
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/runchart'), 'dir');
    symlinkSync(join(ROOT, 'node_modules/xstate'), join(folder, 'node_modules/xstate'), 'dir');
    writeFileSync(join(folder, 'program.mjs'), /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
    const { status, stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(page).toContain(`\`${line}\``);
  });
});
