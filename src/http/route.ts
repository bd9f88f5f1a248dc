/** Declares routes; nothing here knows how they are served. */
import type { RouteName, RouteSpec } from './route-spec.js';
import type { Gives } from './schemas/json.js';

/** Declares a route. */
export function route<
  const Path extends string,
  Query extends Gives<unknown> = never,
  Body extends Gives<unknown> = never,
  Answer = never,
>(spec: RouteSpec<Path, Query, Body, Answer>): RouteSpec<Path, Query, Body, Answer> {
  return spec;
}

type Named<Specs> = { readonly [Name in keyof Specs]: Specs[Name] & RouteName };

/** Names routes by their keys, which are unique over all resources, and puts them under `tag`. */
export function api<Specs extends Readonly<Record<string, RouteSpec>>>(
  tag: string,
  specs: Specs,
): Named<Specs> {
  const named = Object.entries(specs).map(([operationId, spec]) => {
    const pattern = spec.path.replace(/\{(\w+)\}/g, ':$1');
    return [operationId, { ...spec, operationId, tag, pattern }] as const;
  });
  return Object.fromEntries(named) as unknown as Named<Specs>;
}
