import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../src/plan/compile.js';
import { parsePlanText } from '../../src/plan/parse.js';

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/plans.md', root), 'utf8');
const examples = [...page.matchAll(/```yaml plan\n([\s\S]*?)```/g)].map(([, text]) => text ?? '');

describe('docs/plans.md', () => {
  it.each(examples.map((text) => [/title: (.*)/.exec(text)?.[1], text]))(
    'shows a plan that compiles without a finding: %s',
    (_title, text) => {
      const parsed = parsePlanText(text ?? '');
      const result = compilePlan(parsed.ok ? parsed.draft : undefined);
      expect(result).toMatchObject({ ok: true, version: { warnings: [] } });
    },
  );

  it('lists every code that the compiler gives', () => {
    const folder = new URL('src/plan/', root);
    const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
    const codes = new Set(
      sources.flatMap((text) => [...text.matchAll(/code: '([a-z-]+)'/g)].map(([, code]) => code)),
    );
    codes.delete('evaluation-error');
    codes.delete('not-boolean');
    expect(codes.size).toBeGreaterThan(25);
    for (const code of codes) expect(page).toContain(`\`${code}\``);
  });
});
