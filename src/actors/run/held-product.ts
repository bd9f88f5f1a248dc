/**
 * A product that was found valid and is being checked: in memory, and in the row of its open attempt.
 * Invariant: it is held while its checks are under way, whoever is asked, and no longer.
 */
import type { Issue } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { JudgedCheck, PersonCheck } from '../../plan/plan-version.js';
import type { AttemptRecord } from '../records.js';
import type { Product } from './assess-result.js';
import type { HeldAnswer } from './held-answer.js';
import type { NodeRun } from './scope.js';

/** A product whose checks are under way. */
export interface HeldProduct {
  readonly product: Product;
  readonly issues: readonly Issue[];
  /** Number of checks that are over. */
  readonly done: number;
  /** Number of the try of the check that is under way, from 1. */
  readonly number: number;
  /** Level of the escalation that is asked, where people are; 0 where the check itself asks. */
  readonly level: number;
  /** Of a node that asks people: who has given it, and how. */
  readonly answer?: HeldAnswer;
  /** What checks of an answer are let in with; missing where they have the slot of the work. */
  readonly entry?: CheckEntry;
}

/** A place in line, or what came of it: people who answer need no slot, and handlers that check it do. */
export interface CheckEntry {
  /** Key of the handler that is to judge. */
  readonly handler: string;
  /** It stands in line still. */
  readonly isDue: boolean;
}

/** By path of the node run. */
export interface HeldProducts {
  readonly held: ReadonlyMap<string, HeldProduct>;
}

/** The check whose turn it is. Throws where nothing is under check. */
export function underCheck(
  { held: products }: HeldProducts,
  run: NodeRun,
): { readonly held: HeldProduct; readonly check: JudgedCheck } {
  const held = products.get(run.path);
  const check = run.node.checks.judges[held?.done ?? 0];
  if (held === undefined || check === undefined) {
    throw new Error(`node run "${run.path}" has no product under check`);
  }
  return { held, check };
}

/** The check by which people judge what a node run has given; undefined where they do not. */
export function judgedBy({ held }: HeldProducts, run: NodeRun): PersonCheck | undefined {
  const product = held.get(run.path);
  const check = product && run.node.checks.judges[product.done];
  return check !== undefined && 'ask' in check ? check : undefined;
}

/** The handler that a check stands in line for; undefined where it has its slot, or needs none. */
export function checkDue({ held }: HeldProducts, { path }: NodeRun): string | undefined {
  const entry = held.get(path)?.entry;
  return entry?.isDue === true ? entry.handler : undefined;
}

/** Whether what was given rests: people judge it, or its check stands in line, and nothing is at work on it. */
export function rests(products: HeldProducts, run: NodeRun): boolean {
  return judgedBy(products, run) !== undefined || checkDue(products, run) !== undefined;
}

/** The row of an open attempt whose product is held: in place of its output stands all of it. */
export function holding(
  open: AttemptRecord,
  { product, done, number, level, answer, entry }: HeldProduct,
): AttemptRecord {
  const { output, action, artifacts, notes, additions } = product;
  const held = { output, action, artifacts, notes, additions, done, number, level, answer, entry };
  return { ...open, outputJson: JSON.stringify(held) };
}

/** The row of an open attempt as it is in memory, with the product that it holds. */
export function heldBy(stored: AttemptRecord): { open: AttemptRecord; held: HeldProduct } {
  const {
    done,
    number,
    // Rows that were written before people could judge have none.
    level = 0,
    answer,
    entry,
    ...parts
  } = JSON.parse(stored.outputJson ?? '{}') as Partial<Product> & {
    done: number;
    number: number;
    level?: number;
    answer?: HeldAnswer;
    entry?: CheckEntry;
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
    held: {
      product,
      issues,
      done,
      number,
      level,
      ...(answer && { answer }),
      ...(entry && { entry }),
    },
  };
}
