import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERROR_KINDS } from '../../src/errors.js';
import { ISOLATION_ERROR_KINDS } from '../../src/isolation/isolation-error.js';

const page = readFileSync(new URL('../../docs/isolation.md', import.meta.url), 'utf8');

it('S240 docs/isolation.md has every code, and whether a retry can help', () => {
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| .+ \| (yes|no) \|$/gm)];
  const told = Object.fromEntries(rows.map(([, code, answer]) => [code, answer === 'yes']));
  const kinds = { ...ISOLATION_ERROR_KINDS, overloaded: ERROR_KINDS.overloaded };
  const actual = Object.entries(kinds).map(([code, { retryable }]) => [code, retryable]);
  expect(told).toEqual(Object.fromEntries(actual));
});
