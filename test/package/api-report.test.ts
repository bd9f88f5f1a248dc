/** What the package exports, against what docs/api says of it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

function reportsIn(folder: string): Record<string, string> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.api.md'));
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
}

it('the package exports what docs/api says, each name with a sentence; `npm run api` writes it anew', () => {
  const folder = temporaryDirectory();
  const words = ['--import', 'tsx', 'scripts/api-report.ts', folder];
  const { status, stderr } = spawnSync(process.execPath, words, {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(status, stderr).toBe(0);
  const reports = reportsIn(folder);
  expect(reports).toEqual(reportsIn(join(ROOT, 'docs/api')));
  for (const [file, report] of Object.entries(reports)) {
    const undocumented = [...report.matchAll(/^\/\/ @public \(undocumented\)\n(.*)/gm)];
    expect(undocumented.map(([, declaration]) => `${file}: ${declaration}`)).toEqual([]);
  }
}, 120_000);
