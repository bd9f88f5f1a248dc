import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import * as kit from '../../src/testing/index.js';

const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8');
const program = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '';

type Test = () => Promise<void>;

/** The tests of the page, as its program registers them. */
function readTests(): Map<string, Test> {
  const tests = new Map<string, Test>();
  const names = { expect, plan, ...kit, it: (title: string, test: Test) => tests.set(title, test) };
  const body = program.replace(/^import .*\n/gm, '');
  new Function(...Object.keys(names), body)(...Object.values(names));
  return tests;
}

describe('docs/testing.md', () => {
  it.each([...readTests()])('S193 S212 shows a test that passes: %s', (_title, test) => test());

  it('imports only what the package exports', () => {
    const exported: Record<string, object> = { runchart: { plan }, 'runchart/testing': kit };
    const imports = [...program.matchAll(/^import \{ (.*) \} from '(runchart.*)';$/gm)];
    expect(imports).toHaveLength(2);
    for (const [, names = '', from = ''] of imports) {
      for (const name of names.split(', ')) expect(exported[from]).toHaveProperty(name);
    }
  });

  it('names every method of the kit, the stepper and the faults', () => {
    const { TestKit, EventLog } = kit;
    const methods = [TestKit, EventLog].flatMap((type) =>
      Object.getOwnPropertyNames(type.prototype).filter((name) => name !== 'constructor'),
    );
    const unnamed = methods.filter((name) => !new RegExp(`\\b${name}\\b`).test(page));
    expect(unnamed).toEqual(['length']);
  });
});
