/**
 * Walks a parsed condition before it is type-checked: collects what it reads, refuses what the
 * scope does not offer, and adapts two spots of the library (`matches`, brackets inside `has`).
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { compilePattern } from './patterns.js';

export interface ConditionFault {
  readonly message: string;
  /** Index into the text. */
  readonly offset: number;
  readonly hint?: string;
}

interface ConditionFacts {
  /** Node ids that the expression names, with the place of the first mention. */
  readonly nodeOffsets: Map<string, number>;
  readonly outcomeLiterals: string[];
  readsOutcome: boolean;
  readsNothing: boolean;
}

export type Inspection =
  | { readonly ok: true; readonly facts: ConditionFacts }
  | { readonly ok: false; readonly fault: ConditionFault };

const SCOPE: ReadonlySet<string> = new Set(['inputs', 'input', 'output', 'outcome', 'nodes']);
/** Constants of the library that say nothing about a run. */
const HIDDEN: ReadonlySet<string> = new Set(['cel', 'google']);
const COMPREHENSIONS: ReadonlySet<string> = new Set([
  'all',
  'exists',
  'exists_one',
  'filter',
  'map',
]);
/** A list inside a list is ordinary; deeper nesting multiplies the cost of one evaluation. */
const MAX_NESTED_COMPREHENSIONS = 2;

class Refusal extends Error {
  readonly fault: ConditionFault;

  constructor(fault: ConditionFault) {
    super(fault.message);
    this.fault = fault;
  }
}

export function inspectCondition(ast: ASTNode): Inspection {
  const facts: ConditionFacts = {
    nodeOffsets: new Map(),
    outcomeLiterals: [],
    readsOutcome: false,
    readsNothing: true,
  };
  try {
    visit(ast, facts, 0);
    return { ok: true, facts };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, fault: error.fault };
    throw error;
  }
}

function visit(node: ASTNode, facts: ConditionFacts, nesting: number): void {
  switch (node.op) {
    case 'value':
      return;
    case 'id':
      visitIdentifier(node, facts);
      return;
    case '.':
    case '[]':
      if (!isNodes(node.args[0])) break;
      visitNodeReference(node, facts);
      return;
    case '==':
    case '!=':
      noteOutcomeLiteral(node.args[0], node.args[1], facts);
      noteOutcomeLiteral(node.args[1], node.args[0], facts);
      break;
    case 'call':
      if (node.args[0] === 'has') node.args[1].forEach(dotBrackets);
      break;
    case 'rcall':
      if (COMPREHENSIONS.has(node.args[0])) {
        visitComprehension(node, facts, nesting);
        return;
      }
      if (node.args[0] === 'matches') adaptMatches(node);
      break;
    default:
  }
  for (const child of children(node)) visit(child, facts, nesting);
}

type AccessNode = Extract<ASTNode, { op: '.' | '[]' }>;
type MethodNode = Extract<ASTNode, { op: 'rcall' }>;

function visitIdentifier(node: Extract<ASTNode, { op: 'id' }>, facts: ConditionFacts): void {
  const name = node.args;
  if (name === 'nodes') {
    refuse(node, '`nodes` is read with an id: nodes["id"]', 'Name the node in the expression');
  }
  if (HIDDEN.has(name)) refuse(node, `Unknown variable: ${name}`);
  if (name === 'outcome') facts.readsOutcome = true;
  if (SCOPE.has(name)) facts.readsNothing = false;
}

/** `nodes.id` or `nodes["id"]`. */
function visitNodeReference(node: AccessNode, facts: ConditionFacts): void {
  const id = literalKey(node);
  if (id === undefined) {
    refuse(node, 'A node is named by a literal: nodes["id"]', 'Name the node in the expression');
  }
  facts.readsNothing = false;
  if (!facts.nodeOffsets.has(id)) facts.nodeOffsets.set(id, node.start);
}

function visitComprehension(node: MethodNode, facts: ConditionFacts, nesting: number): void {
  const [, receiver, [variable, ...body]] = node.args;
  if (nesting >= MAX_NESTED_COMPREHENSIONS) {
    refuse(node, `More than ${MAX_NESTED_COMPREHENSIONS} nested list macros`);
  }
  if (variable?.op === 'id' && SCOPE.has(variable.args)) {
    refuse(variable, `'${variable.args}' is taken: choose another variable`);
  }
  visit(receiver, facts, nesting);
  for (const expression of body) visit(expression, facts, nesting + 1);
}

function noteOutcomeLiteral(side: ASTNode, other: ASTNode, facts: ConditionFacts): void {
  if (side.op !== 'id' || side.args !== 'outcome' || other.op !== 'value') return;
  if (typeof other.args === 'string') facts.outcomeLiterals.push(other.args);
}

function adaptMatches(node: MethodNode): void {
  const [pattern] = node.args[2];
  if (pattern?.op === 'value' && typeof pattern.args === 'string') checkPattern(pattern);
  node.args[0] = 'matchesLinear';
}

function checkPattern(node: Extract<ASTNode, { op: 'value' }>): void {
  try {
    compilePattern(String(node.args));
  } catch (error) {
    refuse(
      node,
      `Pattern refused: ${error instanceof Error ? error.message : String(error)}`,
      'Patterns are RE2: no look-around, no back-references',
    );
  }
}

/** `has` of the library takes dots only, and ids may hold hyphens: `["x"]` becomes `.x`. */
function dotBrackets(node: ASTNode): void {
  if (node.op !== '.' && node.op !== '[]') return;
  const key = literalKey(node);
  if (node.op === '[]' && key !== undefined) {
    Object.assign(node, { op: '.', args: [node.args[0], key] });
  }
  dotBrackets(node.args[0]);
}

function literalKey(node: AccessNode): string | undefined {
  const key = node.args[1];
  if (typeof key === 'string') return key;
  return key.op === 'value' && typeof key.args === 'string' ? key.args : undefined;
}

function isNodes(node: ASTNode): boolean {
  return node.op === 'id' && node.args === 'nodes';
}

/** Expressions directly below `node`; names and operators among its arguments are left out. */
function children(node: ASTNode): ASTNode[] {
  return [node.args as unknown].flat(3).filter(isExpression);
}

function isExpression(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function refuse(node: ASTNode, message: string, hint?: string): never {
  throw new Refusal({ message, offset: node.start, ...(hint === undefined ? {} : { hint }) });
}
