/** Does what docs/service.md says, word by word, in an empty folder. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { Workplace } from '../cli/support/workplace.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = readFileSync(join(ROOT, 'docs/service.md'), 'utf8');

/** Blocks of code with what stands behind their language. */
function blocks(): readonly { readonly name: string; readonly text: string }[] {
  const found = PAGE.matchAll(/^```(?:yaml|js|sh) ?(.*)\n([\s\S]*?)^```$/gm);
  return [...found].map(([, name = '', text = '']) => ({ name, text }));
}

/** Words of a line, with those in quotation marks as one. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
}

it('the service of the page is there in ten minutes, and pays what was approved', async () => {
  const place = new Workplace();
  onTestFinished(() => place.leave());
  mkdirSync(join(place.folder, 'node_modules'));
  symlinkSync(ROOT, join(place.folder, 'node_modules/runchart'));
  for (const { name, text } of blocks()) if (/\.\w+$/.test(name)) place.write(name, text);

  const [serve] = blocks().filter(({ name }) => name === 'serve');
  const [, , , ...served] = wordsOf(serve?.text.trim() ?? '');
  const { url } = await place.serve(...served);
  const said: string[] = [];
  const codes: (number | null)[] = [];
  const lines = blocks().flatMap(({ name, text }) => (name === '' ? text.trim().split('\n') : []));
  for (const line of lines) {
    const [first, second, ...words] = wordsOf(line);
    if (first === 'export') continue;
    const ended =
      first === 'node'
        ? await place.node(second ?? '', { RUNCHART_URL: url })
        : await place.cli(...words, '--url', url);
    said.push(ended.stdout);
    codes.push(ended.code);
  }
  expect(codes).toEqual([3, 0, 0, 0, 0, 0]);
  expect(said[0]).toContain('run travel-1 is awaiting-human');
  expect(said[3]).toContain('run.completed');
  expect(said[4]).toContain('is completed');
  expect(said[5]?.trim()).toBe('{ paid: 150 }');
});
