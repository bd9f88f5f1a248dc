import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { TOOLS } from '../../src/mcp/tools.js';

const page = readFileSync(new URL('../../docs/mcp.md', import.meta.url), 'utf8');

describe('docs/mcp.md', () => {
  it('lists every tool with its role, what it changes, and whether it may be repeated', () => {
    const rows = [...page.matchAll(/^\| `([a-z_]+)` \| (\w+) \| (\w+) \| (same|more) \|/gm)];
    const declared = TOOLS.map(({ name, role, changes, isIdempotent }) => [
      ...[name, role],
      changes === 'nothing' ? 'reads' : changes,
      isIdempotent ? 'same' : 'more',
    ]);
    expect(rows.map(([, ...cells]) => cells)).toEqual(declared);
  });

  it('shows a configuration with a command and options that there are', () => {
    const [config] = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) =>
      JSON.parse(text),
    );
    const { command, args } = config.mcpServers.runchart;
    const [program, name, ...words] = args as string[];
    expect([command, program]).toEqual(['npx', 'runchart']);
    const known = createProgram(() => {}).commands.find((one) => one.name() === name);
    const options = words.filter((word) => word.startsWith('--'));
    expect(known?.options.map(({ long }) => long)).toEqual(expect.arrayContaining(options));
  });
});
