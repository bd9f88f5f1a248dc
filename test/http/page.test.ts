import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_KINDS } from '../../src/errors.js';
import { createHttpApp } from '../../src/http/app.js';
import { REQUEST_ERRORS } from '../../src/http/problem.js';
import type { Orchestrator } from '../../src/orchestrator.js';

const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');

describe('docs/http.md', () => {
  it('lists every route, and no other', () => {
    const app = createHttpApp({} as Orchestrator);
    const served = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`);
    const listed = [...page.matchAll(/^\| `((?:GET|POST) \S+)` \|/gm)].map(([, route]) => route);
    expect(listed.sort()).toEqual([...new Set(served)].sort());
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
