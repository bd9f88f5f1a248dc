/** Schemas of plain values, and how schemas of objects are tied to the types that they describe. */
import { z } from '@hono/zod-openapi';
import type { JsonObject, JsonValue } from '../../plan/json.js';

/** Any JSON; a member that has it is there, or the object is refused. */
export const jsonValue = z
  .unknown()
  .refine((value) => value !== undefined, 'Expected a value')
  .openapi({ description: 'Any JSON' }) as unknown as z.ZodType<JsonValue>;

export const jsonObject = z.record(
  z.string(),
  z.unknown(),
  'Expected an object',
) as unknown as z.ZodType<JsonObject>;

/** Any JSON at run time; documented as `schema`, which somebody else checks with an error of its own. */
export function checkedLater<T>(schema: z.ZodType<T>): z.ZodType<T> {
  const { $schema: _, ...documented } = z.toJSONSchema(schema, { io: 'input' });
  return z.unknown().openapi(documented as object) as unknown as z.ZodType<T>;
}

/** Milliseconds since the epoch. */
export const time = z.number().openapi({ description: 'Milliseconds since the epoch, UTC' });
export const count = z.int().min(0);
export const text = z.string();

/** An answer in which one member is secret: whoever is given the answer again does not get it. */
export type GivenOnce<View, Secret extends keyof View> = Omit<View, Secret> & {
  readonly [K in Secret]?: View[K];
};

export const givenOnce = text.optional().openapi({
  description: 'Shown this once: absent from the same answer to the same `Idempotency-Key`',
}) as unknown as z.ZodType<string>;

/** A schema, by what it gives and nothing else: to compare whole zod types costs the compiler too much. */
export interface Gives<Value> {
  readonly _zod: { readonly output: Value };
}

/** A schema for each member of `View`, none left out. */
export type Shape<View> = { readonly [K in keyof View]-?: Gives<View[K]> };

/** The schema of `View`, which the document calls `name`. */
export function objectOf<View>(name: string, shape: Shape<View>): z.ZodType<View> {
  return z.object(shape as unknown as z.ZodRawShape).openapi(name) as unknown as z.ZodType<View>;
}

/** `schema`, which has a name in the document, or null: `nullable` would make the name itself nullable there. */
export function orNull<T>(schema: Gives<T>): z.ZodType<T | null> {
  return z.union([schema as unknown as z.ZodType<T>, z.null()]);
}

/** The schema of an answer that holds a list under one name. */
export function listOf<K extends string, T>(
  key: K,
  item: z.ZodType<T>,
): z.ZodType<{ readonly [P in K]: readonly T[] }> {
  return z.object({ [key]: z.array(item) }) as unknown as z.ZodType<{
    readonly [P in K]: readonly T[];
  }>;
}
