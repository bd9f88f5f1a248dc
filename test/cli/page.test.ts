import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.js';
import { createProgram } from '../../src/cli/program.js';

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
const { commands } = createProgram(() => {});

describe('docs/cli.md', () => {
  it('lists every command, and no other', () => {
    const listed = [...page.matchAll(/^\| `([a-z]+)(?: [^`]*)?` \| /gm)].map(([, name]) => name);
    expect(listed.sort()).toEqual(commands.map((command) => command.name()).sort());
  });

  it('explains every option', () => {
    const names = commands.flatMap(({ options }) => options.map(({ long }) => long ?? ''));
    for (const name of new Set(names)) expect(page).toContain(`\`${name}`);
  });

  it('explains every exit code', () => {
    const listed = [...page.matchAll(/^\| ([0-9, ]+) \| /gm)].flatMap(([, codes = '']) =>
      codes.split(', '),
    );
    expect(listed.map(Number)).toEqual(Object.values(EXIT));
  });
});
