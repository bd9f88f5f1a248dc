import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXPORTED_TABLES } from '../../src/history/export-format.js';
import * as api from '../../src/index.js';
import { temporaryDirectory } from '../support/temporary.js';

const page = readFileSync(new URL('../../docs/history.md', import.meta.url), 'utf8');
const program = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '';

it('S163 S169 S173 S226 docs/history.md shows a program that says what its comments do', async () => {
  const folder = temporaryDirectory();
  const said: unknown[] = [];
  const names = {
    ...api,
    createOrchestrator: (options: api.OrchestratorOptions) =>
      api.createOrchestrator({ ...options, url: join(folder, options.url) }),
    writeFile: (name: string, text: string) => writeFile(join(folder, name), text),
    console: { log: (...values: unknown[]) => said.push(values) },
  };
  const body = program
    .replace(/^import .*\n/gm, '')
    .replace("import('r1.jsonl')", `import(${JSON.stringify(join(folder, 'r1.jsonl'))})`);
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  await new AsyncFunction(...Object.keys(names), body)(...Object.values(names));
  expect(said).toEqual([
    ['running', 'completed', true],
    [
      [
        ['check', 'td'],
        ['pay', ''],
        ['sign', ''],
      ],
    ],
    [true, true],
    [{ runs: 0, trimmedRuns: 0, events: 0, payloads: 0, dryRun: true }],
  ]);
  for (const line of program.matchAll(/console\.log\((.*)\); \/\/ (.*)$/gm))
    expect(line[2]).toBeTruthy();
});

it('S226 docs/history.md has every field of a replay and names every line of a file', async () => {
  for (const name of ['format', 'run', 'plan', 'turn', 'row', 'content', 'ended', 'sum']) {
    expect(page).toMatch(new RegExp(`^\\| \`${name}\``, 'm'));
  }
  expect(EXPORTED_TABLES).toHaveLength(8);
});
