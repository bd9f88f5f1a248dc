import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workplace } from '../cli/support/workplace.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = ['translation', 'research', 'crawl', 'single-node', 'list', 'flowchart'].map(
  (name) => `examples/${name}/README.md`,
);

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.leave());

/** The words of a line of shell; quotes keep words together. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

describe.each(PAGES)('%s', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');

  it('shows one command, which runs the example to its end', async () => {
    const [, command = '', ...others] = text.split(/```(?:sh)?\n/);
    expect(others).toHaveLength(1);
    const [npx, runchart, ...words] = wordsOf(command);
    expect([npx, runchart]).toEqual(['npx', 'runchart']);
    const located = words.map((word) => (word.startsWith('examples/') ? join(ROOT, word) : word));
    const { code, stdout, stderr } = await place.cli(...located);
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining('is completed')]);
  });

  it('links to files that are there', () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path ?? '');
    expect(targets).not.toEqual([]);
    for (const target of targets)
      expect(existsSync(join(ROOT, dirname(page), target)), target).toBe(true);
  });
});
