import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../src/plan/compile.js';
import { EDGE_PROPERTIES } from '../../src/plan/edge-schema.js';
import { NODE_KINDS } from '../../src/plan/node-schemas.js';
import { parsePlanText } from '../../src/plan/parse.js';
import { planFrameSchema } from '../../src/plan/schema.js';

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/plans.md', root), 'utf8');

function sectionOf(heading: string): string {
  return page.split(/^## /m).find((section) => section.startsWith(`${heading}\n`)) ?? '';
}

function plansOf(path: string): (readonly [string, string])[] {
  const text = readFileSync(new URL(path, root), 'utf8');
  return [...text.matchAll(/```yaml plan\n([\s\S]*?)```/g)].map(([, plan = '']) => [
    `${path}, ${/title: (.*)/.exec(plan)?.[1]}`,
    plan,
  ]);
}

const constructs = readdirSync(new URL('docs/constructs/', root));
const examples = ['docs/plans.md', ...constructs.map((file) => `docs/constructs/${file}`)];

describe('docs/plans.md and the pages of constructs', () => {
  it.each(examples.flatMap(plansOf))(
    'shows a plan that compiles without a finding: %s',
    (_title, text) => {
      const parsed = parsePlanText(text);
      const result = compilePlan(parsed.ok ? parsed.draft : undefined);
      expect(result).toMatchObject({ ok: true, version: { warnings: [] } });
    },
  );

  it.each(constructs)('has a plan on %s', (file) => {
    expect(plansOf(`docs/constructs/${file}`)).not.toEqual([]);
  });

  it('lists every property of a plan and of an edge, and every kind of node', () => {
    for (const property of Object.keys(planFrameSchema.shape)) {
      expect(sectionOf('The plan')).toContain(`\`${property}\``);
    }
    for (const property of EDGE_PROPERTIES) {
      expect(sectionOf('Edges')).toContain(`\`${property}\``);
    }
    for (const kind of NODE_KINDS) expect(sectionOf('Nodes')).toContain(`[\`${kind}\`]`);
  });

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
