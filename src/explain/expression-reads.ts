/**
 * What an expression reads: the paths below its variables, and what it asks of each, so that values
 * can be shown beside its result, and values found that turn it. Pure.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { toLibrary } from '../plan/condition-syntax.js';
import { CEL } from '../plan/evaluator.js';
import { EDGE_LANGUAGE } from '../plan/expressions.js';
import type { JsonValue } from '../plan/json.js';
import { formatPath, type PathSegment } from '../plan/paths.js';
import type { Plan } from '../plan/schema.js';

/** A path as an expression reads it: the variable first, behind it names and indexes. */
export interface ReadPath {
  readonly root: string;
  readonly segments: readonly PathSegment[];
  /** As its author would write it. */
  readonly text: string;
}

/** What an expression asks of the value at a path. */
export type Question =
  | { readonly ask: 'compared'; readonly with: JsonValue }
  | { readonly ask: 'compared-with-path'; readonly path: ReadPath }
  /** It takes part in a calculation next to this number. */
  | { readonly ask: 'calculated'; readonly with: number }
  | { readonly ask: 'sized'; readonly with: number }
  | { readonly ask: 'text'; readonly part: string }
  | { readonly ask: 'member'; readonly item: JsonValue }
  | { readonly ask: 'presence' }
  | { readonly ask: 'truth' }
  | { readonly ask: 'list' };

export interface Read {
  readonly path: ReadPath;
  readonly questions: readonly Question[];
}

type Bound = ReadonlySet<string>;
const NONE: Bound = new Set();

const VARIABLES: ReadonlyMap<string, string> = new Map(
  [...EDGE_LANGUAGE.variables].map((name) => [toLibrary(name), name]),
);
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '-_']);
const TEXT_TESTS: ReadonlySet<string> = new Set(['startsWith', 'endsWith', 'contains']);
const LIST_MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/**
 * The paths that an expression of a plan reads, each once, in order of appearance; none where it does not
 * parse, or is no CEL.
 * `wanted` is what is asked of its value: a condition is true or false.
 */
export function readsOf(
  text: string,
  { language = CEL }: Pick<Plan, 'language'>,
  wanted: 'truth' | 'list' | 'any' = 'truth',
): readonly Read[] {
  if (language !== CEL) return [];
  const reads = new Reads();
  try {
    const { ast } = EDGE_LANGUAGE.environment.parse(toLibrary(text));
    reads.visitWhole(ast, wanted === 'any' ? undefined : { ask: wanted });
  } catch {
    // What does not parse reads nothing: compiling says so.
  }
  return reads.list();
}

class Reads {
  readonly #found = new Map<string, { path: ReadPath; questions: Question[] }>();

  list(): readonly Read[] {
    return [...this.#found.values()];
  }

  /** A whole expression, and what is asked of its value. */
  visitWhole(node: ASTNode, question: Question | undefined): void {
    const path = pathOf(node, NONE);
    if (path !== undefined) this.#note(path, question);
    else this.#visit(node, NONE);
  }

  /** An expression whose value is to be true or false. */
  #visitTruth(node: ASTNode, bound: Bound): void {
    const path = pathOf(node, bound);
    if (path !== undefined) this.#note(path, { ask: 'truth' });
    else this.#visit(node, bound);
  }

  #visit(node: ASTNode, bound: Bound): void {
    const path = pathOf(node, bound);
    if (path !== undefined) {
      this.#note(path);
      return;
    }
    const { op } = node;
    if (op === '&&' || op === '||' || op === '!_') {
      for (const child of childrenOf(node)) this.#visitTruth(child, bound);
    } else if (COMPARISONS.has(op)) this.#visitComparison(node, bound);
    else if (op === 'in') this.#visitIn(node, bound);
    else if (op === 'call' && node.args[0] === 'has') this.#visitHas(node.args[1][0], bound);
    else if (op === 'rcall') this.#visitMethod(node, bound);
    else this.#visitChildren(node, bound);
  }

  #visitChildren(node: ASTNode, bound: Bound): void {
    for (const child of childrenOf(node)) this.#visit(child, bound);
  }

  #visitComparison(node: ASTNode, bound: Bound): void {
    const [left, right] = childrenOf(node);
    if (left === undefined || right === undefined) return;
    this.#compare(left, right, bound);
    this.#compare(right, left, bound);
    this.#visit(left, bound);
    this.#visit(right, bound);
  }

  #compare(side: ASTNode, other: ASTNode, bound: Bound): void {
    const literal = literalOf(other);
    const path = pathOf(side, bound);
    if (path !== undefined) {
      const like = pathOf(other, bound);
      if (literal !== undefined) this.#note(path, { ask: 'compared', with: literal });
      else if (like !== undefined) this.#note(path, { ask: 'compared-with-path', path: like });
      return;
    }
    const sized = sizedPath(side, bound);
    if (sized !== undefined && typeof literal === 'number') {
      this.#note(sized, { ask: 'sized', with: literal });
    } else if (ARITHMETIC.has(side.op)) this.#calculate(side, literal, bound);
  }

  #calculate(side: ASTNode, literal: JsonValue | undefined, bound: Bound): void {
    const numbers = [literal, ...leavesOf(side).map(literalOf)].filter(
      (value) => typeof value === 'number',
    );
    for (const leaf of leavesOf(side)) {
      const path = pathOf(leaf, bound);
      if (path === undefined) continue;
      for (const number of numbers) this.#note(path, { ask: 'calculated', with: number });
    }
  }

  #visitIn(node: ASTNode, bound: Bound): void {
    const [item, list] = childrenOf(node);
    if (item === undefined || list === undefined) return;
    const path = pathOf(item, bound);
    const among = literalOf(list);
    if (path !== undefined && Array.isArray(among)) {
      for (const value of among) this.#note(path, { ask: 'compared', with: value });
    }
    const literal = literalOf(item);
    const receiver = pathOf(list, bound);
    if (receiver !== undefined && literal !== undefined) {
      const isKey = typeof literal === 'string' && receiver.segments.length === 0;
      if (isKey) this.#note(below(receiver, literal), { ask: 'presence' });
      else this.#note(receiver, { ask: 'member', item: literal });
    }
    this.#visitChildren(node, bound);
  }

  #visitHas(node: ASTNode | undefined, bound: Bound): void {
    const path = node && pathOf(node, bound);
    if (path !== undefined) this.#note(path, { ask: 'presence' });
  }

  #visitMethod(node: Extract<ASTNode, { op: 'rcall' }>, bound: Bound): void {
    const [name, receiver, args] = node.args;
    const path = pathOf(receiver, bound);
    const [first] = args;
    const literal = first && literalOf(first);
    if (path !== undefined && TEXT_TESTS.has(name) && typeof literal === 'string') {
      this.#note(path, { ask: 'text', part: literal });
    }
    if (!LIST_MACROS.has(name)) {
      this.#visitChildren(node, bound);
      return;
    }
    if (path !== undefined) this.#note(path, { ask: 'list' });
    this.#visit(receiver, bound);
    const variable = first?.op === 'id' ? first.args : '';
    for (const body of args.slice(1)) this.#visit(body, new Set([...bound, variable]));
  }

  #note(path: ReadPath, question?: Question): void {
    let read = this.#found.get(path.text);
    if (read === undefined) {
      read = { path, questions: [] };
      this.#found.set(path.text, read);
    }
    if (question !== undefined) read.questions.push(question);
  }
}

function below({ root, segments }: ReadPath, segment: PathSegment): ReadPath {
  return makePath(root, [...segments, segment]);
}

function makePath(root: string, segments: readonly PathSegment[]): ReadPath {
  return { root, segments, text: formatPath([root, ...segments]) };
}

/** `a.b[0]["c"]` below a variable of the scope; undefined for anything else. */
function pathOf(node: ASTNode, bound: Bound): ReadPath | undefined {
  const segments: PathSegment[] = [];
  let current = node;
  while (current.op === '.' || current.op === '[]') {
    const segment = segmentOf(current.args[1]);
    if (segment === undefined) return undefined;
    segments.unshift(segment);
    current = current.args[0];
  }
  if (current.op !== 'id' || bound.has(current.args)) return undefined;
  const root = VARIABLES.get(current.args);
  return root === undefined ? undefined : makePath(root, segments);
}

function segmentOf(key: ASTNode | string): PathSegment | undefined {
  if (typeof key === 'string') return key;
  const literal = literalOf(key);
  return typeof literal === 'string' || typeof literal === 'number' ? literal : undefined;
}

/** `size(path)` or `path.size()`. */
function sizedPath(node: ASTNode, bound: Bound): ReadPath | undefined {
  if (node.op === 'call' && node.args[0] === 'size') {
    const [sized] = node.args[1];
    return sized && pathOf(sized, bound);
  }
  return node.op === 'rcall' && node.args[0] === 'size' ? pathOf(node.args[1], bound) : undefined;
}

/** A literal, a negative number, or a list of them. */
function literalOf(node: ASTNode): JsonValue | undefined {
  if (node.op === 'value') {
    const value: unknown = node.args;
    if (typeof value === 'bigint') return Number(value);
    const isPlain = value === null || ['string', 'number', 'boolean'].includes(typeof value);
    return isPlain ? (value as JsonValue) : undefined;
  }
  if (node.op === '-_') {
    const value = literalOf(node.args);
    return typeof value === 'number' ? -value : undefined;
  }
  if (node.op !== 'list') return undefined;
  const items = node.args.map(literalOf);
  return items.every((item) => item !== undefined) ? items : undefined;
}

/** The operands of a calculation. */
function leavesOf(node: ASTNode): ASTNode[] {
  return ARITHMETIC.has(node.op) ? childrenOf(node).flatMap(leavesOf) : [node];
}

function childrenOf(node: ASTNode): ASTNode[] {
  return [node.args as unknown].flat(3).filter(isNode);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}
