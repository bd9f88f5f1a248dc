/** Writes the table of routes in docs/http.md, from their declarations: `npm run routes`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { ROUTES } from '../src/http/api/api.js';
import type { Route } from '../src/http/route-spec.js';

const PAGE = new URL('../docs/http.md', import.meta.url);
const TABLE = /(<!-- routes -->\n\n)[\s\S]*?(\n\n<!-- end of routes -->)/;

/** The page with its table as the declarations have it. */
export function withRoutes(page: string): string {
  const rows = ['| route | role | what it does |', '|---|---|---|', ...ROUTES.map(rowOf)];
  return page.replace(TABLE, (_, start, end) => start + rows.join('\n') + end);
}

function rowOf(route: Route): string {
  const { method, pattern, role, summary, query, body } = route;
  const takes = membersOf(body).map(({ name, isOptional }) => `${name}${isOptional ? '?' : ''}`);
  const asked = membersOf(query).map(({ name, otherwise, isOptional }) => {
    const shown = `\`?${name}\`${isOptional ? '' : ' (needed)'}`;
    return otherwise === undefined ? shown : `${shown} (${otherwise.toLocaleString('en')})`;
  });
  const text = takes.length === 0 ? summary : `\`{${takes.join(', ')}}\` ${summary}`;
  const what = asked.length === 0 ? text : `${text}; ${asked.join(', ')}`;
  return `| \`${method.toUpperCase()} ${pattern}\` | ${role} | ${what} |`;
}

function membersOf(schema: z.ZodType | undefined) {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, member]) => {
    const absent = member.safeParse(undefined);
    const otherwise = typeof absent.data === 'number' ? absent.data : undefined;
    return { name, isOptional: absent.success, otherwise };
  });
}

if (process.argv[1]?.endsWith('http-routes.ts')) {
  writeFileSync(PAGE, withRoutes(readFileSync(PAGE, 'utf8')));
}
