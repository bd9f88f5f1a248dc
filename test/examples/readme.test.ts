import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

describe('README.md', () => {
  it('shows a program that runs', () => {
    const program = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const folder = temporaryDirectory();
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/runchart'), 'dir');
    writeFileSync(join(folder, 'program.mjs'), program);
    const options = {
      cwd: folder,
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, NODE_OPTIONS: '' },
    } as const;
    const ended = spawnSync(process.execPath, ['program.mjs'], options);
    expect(ended).toMatchObject({ status: 0, stdout: 'sent: Hello Ada\n', stderr: '' });
  });

  it('begins with the one command that shows it', () => {
    expect(/```sh\n([\s\S]*?)```/.exec(readme)?.[1]).toBe('npm ci && npm start\n');
    expect(readme.split('\n').length).toBeLessThanOrEqual(95);
  });

  it.each(['README.md', 'docs/quickstart.md', 'docs/cli.md', 'docs/http.md', 'docs/events.md'])(
    'and the page %s link to files that are there',
    (page) => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path ?? '');
      for (const target of targets)
        expect(existsSync(join(ROOT, dirname(page), target)), target).toBe(true);
    },
  );
});
