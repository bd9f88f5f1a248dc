import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RunChanges } from '../../src/change/run-changes.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { ERROR_KINDS } from '../../src/errors.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { OrchestratorOptions } from '../../src/orchestrator-options.js';
import { plan } from '../../src/plan/builder.js';
import { temporaryDatabase } from '../support/temporary.js';

const page = readFileSync(new URL('../../docs/change.md', import.meta.url), 'utf8');
const program = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code).join('\n');

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  ...parts: string[]
) => (...values: unknown[]) => Promise<void>;

describe('docs/change.md', () => {
  it('S168 S170 S171 S172 S202 shows a program that prints what it says', async () => {
    const printed: string[] = [];
    const text = (value: unknown) =>
      Array.isArray(value) ? `[ ${value.map((one) => `'${one}'`).join(', ')} ]` : String(value);
    const console = { log: (...values: unknown[]) => printed.push(values.map(text).join(' ')) };
    const create = async (options: OrchestratorOptions): Promise<Orchestrator> => {
      const created = await createOrchestrator({ ...options, url: temporaryDatabase() });
      onTestFinished(() => created.close());
      return created;
    };
    const names = { console, createOrchestrator: create, plan };
    const body = program.replace(/^import .*\n/gm, '');
    await new AsyncFunction(...Object.keys(names), body)(...Object.values(names));
    const told = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => line);
    expect(told.length).toBeGreaterThan(5);
    expect(printed).toEqual(told);
  });

  it('names every method of change, and codes that there are', () => {
    const methods = Object.getOwnPropertyNames(RunChanges.prototype).filter(
      (name) => !['constructor', 'recover', 'replacementOf'].includes(name),
    );
    expect(methods.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
    const codes = [...page.matchAll(/`((?:node|run|replan|fork|output|input)-[a-z-]+)`/g)];
    expect(codes.length).toBeGreaterThan(5);
    for (const [, code = ''] of codes) expect(ERROR_KINDS).toHaveProperty(code);
  });
});
