/** A product that was found valid and is being checked: in memory, and in the row of its open attempt. */
import type { Issue } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { AttemptRecord } from '../records.js';
import type { Product } from './assess-result.js';

/** A product whose checks are under way. */
export interface HeldProduct {
  readonly product: Product;
  readonly issues: readonly Issue[];
  /** Number of checks that are over. */
  readonly done: number;
  /** Number of the try of the check that is under way, from 1. */
  readonly number: number;
}

/** The row of an open attempt whose product is held: in place of its output stands all of it. */
export function holding(
  open: AttemptRecord,
  { product, done, number }: HeldProduct,
): AttemptRecord {
  const { output, action, artifacts, notes, additions } = product;
  return {
    ...open,
    outputJson: JSON.stringify({ output, action, artifacts, notes, additions, done, number }),
  };
}

/** The row of an open attempt as it is in memory, with the product that it holds. */
export function heldBy(stored: AttemptRecord): { open: AttemptRecord; held: HeldProduct } {
  const { done, number, ...parts } = JSON.parse(stored.outputJson ?? '{}') as Partial<Product> & {
    done: number;
    number: number;
  };
  const issues = JSON.parse(stored.issuesJson ?? '[]') as Issue[];
  const output = parts.output as JsonValue | undefined;
  const product: Product = {
    output,
    outputJson: output === undefined ? null : JSON.stringify(output),
    action: parts.action ?? null,
    artifacts: parts.artifacts ?? [],
    notes: parts.notes,
    usage: undefined,
    additions: parts.additions,
    reports: [],
  };
  return {
    open: { ...stored, outputJson: product.outputJson },
    held: { product, issues, done, number },
  };
}
