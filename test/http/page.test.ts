import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withRoutes } from '../../scripts/http-routes.js';
import { ERROR_KINDS } from '../../src/errors.js';
import { API } from '../../src/http/api/api.js';
import { REQUEST_ERRORS } from '../../src/http/problem.js';

const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');

describe('docs/http.md', () => {
  it('lists every route as it is declared', () => {
    expect(withRoutes(page)).toBe(page);
    const listed = [...page.matchAll(/^\| `(?:GET|POST|DELETE) (\S+)` \|/gm)];
    expect(listed).toHaveLength(Object.keys(API).length);
  });

  it('lists every code of an error with its status', () => {
    const listed = [...page.matchAll(/^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| (\d+) \|/gm)].flatMap(
      ([, codes = '', status]) =>
        codes.split(', ').map((code) => [code.slice(1, -1), Number(status)]),
    );
    const kinds = Object.entries(ERROR_KINDS).map(([code, { status }]) => [code, status]);
    expect(Object.fromEntries(listed)).toEqual({ ...Object.fromEntries(kinds), ...REQUEST_ERRORS });
  });
});
