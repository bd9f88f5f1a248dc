import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const page = readFileSync(new URL('docs/statements.md', root), 'utf8');

interface Statement {
  readonly number: number;
  readonly isLater: boolean;
}

const statements: readonly Statement[] = [...page.matchAll(/^- \*\*S(\d+)\*\* (.+)$/gm)].map(
  ([, number, text = '']) => ({ number: Number(number), isLater: text.endsWith('(later)') }),
);

/** Where titles stand: the first text of a call, the one behind a table, and the case names in tables. */
const TITLES = [
  /\b(?:it|test|describe)\b[^'"`\n]*\(\s*(['"`])((?:\\.|(?!\1).)*)\1/g,
  /\)\(\s*(['"`])((?:\\.|(?!\1).)*)\1/g,
  /(['"`])(S\d+\b(?:\\.|(?!\1).)*)\1/g,
];

function titlesOf(source: string): string[] {
  return TITLES.flatMap((pattern) =>
    [...source.matchAll(pattern)].map(([, , title = '']) => title),
  );
}

/** `S70–S80` names all of them. */
function numbersIn(title: string): number[] {
  return [...title.matchAll(/\bS(\d{1,3})\b(?:–S(\d{1,3})\b)?/g)].flatMap(([, first, last]) => {
    const count = Number(last ?? first) - Number(first) + 1;
    return Array.from({ length: count }, (_, i) => Number(first) + i);
  });
}

function namedNumbers(): ReadonlyMap<number, string> {
  const folder = new URL('test/', root);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .sort();
  const named = new Map<number, string>();
  for (const file of files) {
    const source = readFileSync(new URL(file.replaceAll('\\', '/'), folder), 'utf8');
    for (const number of titlesOf(source).flatMap(numbersIn)) named.set(number, file);
  }
  return named;
}

const named = namedNumbers();

it('docs/statements.md has each number once, in order', () => {
  const numbers = statements.map((statement) => statement.number);
  expect(numbers.length).toBeGreaterThan(100);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
});

it('docs/statements.md has every number that a test names', () => {
  const known = new Set(statements.map((statement) => statement.number));
  const unknown = [...named].filter(([number]) => !known.has(number));
  expect(unknown.map(([number, file]) => `S${number} in ${file}`)).toEqual([]);
});

it('every statement that holds now is named by a test', () => {
  const unproven = statements.filter(({ number, isLater }) => !isLater && !named.has(number));
  expect(unproven.map(({ number }) => `S${number}`)).toEqual([]);
});

it('no statement that is marked as later is named by a test', () => {
  const early = statements.filter(({ number, isLater }) => isLater && named.has(number));
  expect(early.map(({ number }) => `S${number}`)).toEqual([]);
});
