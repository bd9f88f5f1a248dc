import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as api from '../../src/index.js';
import { temporaryDirectory } from '../support/temporary.js';

const page = readFileSync(new URL('../../docs/inspect.md', import.meta.url), 'utf8');
const program = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '';

it('S211 docs/inspect.md shows a program that says what its comments do', async () => {
  const folder = temporaryDirectory();
  const said: string[] = [];
  const names = {
    ...api,
    createOrchestrator: (options: api.OrchestratorOptions) =>
      api.createOrchestrator({ ...options, url: join(folder, options.url) }),
    console: { log: (...values: unknown[]) => said.push(values.join(' ')) },
  };
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  const body = program.replace(/^import .*\n/gm, '');
  await new AsyncFunction(...Object.keys(names), body)(...Object.values(names));
  const comments = [...program.matchAll(/console\.log\(.*\); \/\/ ([^:\n]*)/g)].map(
    ([, text]) => text,
  );
  expect(said).toEqual(comments);
});

it('S211 docs/inspect.md explains every option', () => {
  for (const option of ['actors', 'at', 'filter', 'mask', 'definitions', 'maxLag', 'signal']) {
    expect(page).toMatch(new RegExp(`^\\| \`${option}\``, 'm'));
  }
});
