/** Declares routes; nothing here knows how they are served. */
import { createRoute, z } from '@hono/zod-openapi';
import { documentedAnswers, documentedBody } from './documented.js';
import type { Route, RouteSpec, Unnamed } from './route-spec.js';

/** Declares a route. */
export function route<
  const Path extends string,
  Query extends z.ZodType = z.ZodUnknown,
  Body extends z.ZodType = z.ZodUnknown,
  Answer = never,
>(spec: RouteSpec<Path, Query, Body, Answer>): Unnamed<Route<Path, Query, Body, Answer>> {
  return spec;
}

/** Names routes by their keys, which are unique over all resources, and puts them under `tag`. */
export function api<Specs extends Readonly<Record<string, Unnamed<Route>>>>(
  tag: string,
  specs: Specs,
): { readonly [Name in keyof Specs]: Specs[Name] & Route } {
  const named = Object.entries(specs).map(([operationId, spec]) => {
    return [operationId, complete(operationId, tag, spec)] as const;
  });
  return Object.fromEntries(named) as { readonly [Name in keyof Specs]: Specs[Name] & Route };
}

function complete(operationId: string, tag: string, spec: Unnamed<Route>): Route {
  const { method, path, role, summary, query } = spec;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const documented = createRoute({
    ...{ method, path, operationId, summary, tags: [tag] },
    'x-role': role,
    request: {
      ...(names.length > 0 && { params: z.object(paramsNamed(names)) }),
      ...(query instanceof z.ZodObject && { query }),
      ...documentedBody(spec),
    },
    responses: documentedAnswers(spec),
  });
  return { ...spec, operationId, tag, pattern: documented.getRoutingPath(), documented };
}

function paramsNamed(names: readonly string[]): Record<string, z.ZodString> {
  return Object.fromEntries(names.map((name) => [name, z.string()]));
}
