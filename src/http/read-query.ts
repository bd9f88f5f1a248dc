/** Reads parameters of paths and queries. */
import type { Context } from 'hono';
import { RunchartError } from '../errors.js';

/** The part of the path called `name`. */
export function pathPart(context: Context, name: string): string {
  return context.req.param(name) ?? '';
}

/** A whole number in the query, not below `min`; `otherwise` where it is absent. */
export function queryCount(
  context: Context,
  name: string,
  { min, otherwise }: { readonly min: number; readonly otherwise: number },
): number {
  const text = context.req.query(name);
  return text === undefined ? otherwise : parseCount(name, text, min);
}

export function parseCount(name: string, text: string, min: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min) return value;
  throw new RunchartError('argument-invalid', `${name} is a whole number from ${min} on`);
}
