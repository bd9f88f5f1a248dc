/**
 * Walks a parsed expression before it is type-checked: collects what it reads, refuses what the
 * scope does not offer, and adapts what the library does otherwise (`matches`, brackets inside
 * `has`, keys of maps, the reserved word `loop`).
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { isForbiddenKey } from './ids.js';
import { compilePattern } from './patterns.js';

export interface ConditionFault {
  readonly message: string;
  /** Index into the text. */
  readonly offset: number;
  readonly hint?: string;
}

export interface Vocabulary {
  /** Variables in scope, as an author writes them. */
  readonly variables: ReadonlySet<string>;
  /** Maps become JSON: every key is a string, and none reaches a prototype. */
  readonly jsonMaps: boolean;
}

export interface Facts {
  /** Ids in `nodes["id"]` and `nodes.id`, in order of appearance, with the place of the first mention. */
  readonly nodeOffsets: ReadonlyMap<string, number>;
  /** Literals that `outcome` is compared with. */
  readonly outcomeLiterals: readonly string[];
  readonly readsOutcome: boolean;
  /** Nothing in scope is read: the value is always the same. */
  readonly readsNothing: boolean;
}

export type Inspection =
  | { readonly ok: true; readonly facts: Facts }
  | { readonly ok: false; readonly fault: ConditionFault };

/** What one walk knows and collects. */
interface Walk {
  readonly vocabulary: Vocabulary;
  readonly variables: Set<string>;
  readonly nodeOffsets: Map<string, number>;
  readonly outcomeLiterals: string[];
}

/** The name that a list macro may bind: there it hides the variable of the scope. */
const BINDABLE = 'action';
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

// `loop` is a reserved word of CEL. The library gets another of the same length: places stay true.
const LOOP = 'loop';
const LOOP_ALIAS = 'l__p';
const UNKNOWN = 'l___';

/** Comments, texts, members and words, so that words can be told from the rest. */
const TOKEN =
  /\/\/[^\n]*|"""(?:\\.|[^\\])*?"""|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\.(?:\s|\/\/[^\n]*\n)*\w+|\w+/gs;

/** The text as the library reads it, of the same length. Variables are registered by it as well. */
export function toLibrary(text: string): string {
  return text.replace(TOKEN, (token) => {
    if (token === LOOP) return LOOP_ALIAS;
    // The alias itself is no word of an author.
    return token === LOOP_ALIAS ? UNKNOWN : token;
  });
}

/** A message of the library in the author's words. */
export function fromLibrary(message: string): string {
  return message.replaceAll(LOOP_ALIAS, LOOP).replace('matchesLinear', 'matches');
}

/** Inspects the tree of a text that `toLibrary` made, and adapts it in place. */
export function inspect(ast: ASTNode, vocabulary: Vocabulary): Inspection {
  const walk: Walk = {
    vocabulary,
    variables: new Set(),
    nodeOffsets: new Map(),
    outcomeLiterals: [],
  };
  try {
    visit(ast, walk, []);
    return { ok: true, facts: factsOf(walk) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, fault: error.fault };
    throw error;
  }
}

function factsOf({ variables, nodeOffsets, outcomeLiterals }: Walk): Facts {
  return {
    nodeOffsets,
    outcomeLiterals,
    readsOutcome: variables.has('outcome'),
    readsNothing: variables.size === 0,
  };
}

/** `bound` are the variables of the list macros around `node`, one for each. */
function visit(node: ASTNode, walk: Walk, bound: readonly string[]): void {
  switch (node.op) {
    case 'id':
      visitIdentifier(node, walk, bound);
      return;
    case '.':
    case '[]':
      if (!isNodes(node.args[0], walk)) break;
      visitNodeReference(node, walk);
      return;
    case '==':
    case '!=':
      noteOutcomeLiteral(node.args[0], node.args[1], walk);
      noteOutcomeLiteral(node.args[1], node.args[0], walk);
      break;
    case 'map':
      if (walk.vocabulary.jsonMaps) adaptMap(node);
      break;
    case 'call':
      if (node.args[0] === 'has') node.args[1].forEach(dotBrackets);
      break;
    case 'rcall':
      if (COMPREHENSIONS.has(node.args[0])) {
        visitComprehension(node, walk, bound);
        return;
      }
      if (node.args[0] === 'matches') adaptMatches(node);
      break;
    default:
  }
  for (const child of children(node)) visit(child, walk, bound);
}

type IdNode = Extract<ASTNode, { op: 'id' }>;
type MapNode = Extract<ASTNode, { op: 'map' }>;
type AccessNode = Extract<ASTNode, { op: '.' | '[]' }>;
type MethodNode = Extract<ASTNode, { op: 'rcall' }>;

function visitIdentifier(node: IdNode, walk: Walk, bound: readonly string[]): void {
  const name = nameOf(node);
  if (bound.includes(name)) return;
  if (isNodes(node, walk)) {
    refuse(node, '`nodes` is read with an id: nodes["id"]', 'Name the node in the expression');
  }
  if (HIDDEN.has(name)) refuse(node, `Unknown variable: ${name}`);
  if (walk.vocabulary.variables.has(name)) walk.variables.add(name);
}

function nameOf(node: IdNode): string {
  return node.args === LOOP_ALIAS ? LOOP : node.args;
}

/** `nodes.id` or `nodes["id"]`. */
function visitNodeReference(node: AccessNode, walk: Walk): void {
  const id = literalKey(node);
  if (id === undefined) {
    refuse(node, 'A node is named by a literal: nodes["id"]', 'Name the node in the expression');
  }
  walk.variables.add('nodes');
  if (!walk.nodeOffsets.has(id)) walk.nodeOffsets.set(id, node.start);
}

function visitComprehension(node: MethodNode, walk: Walk, bound: readonly string[]): void {
  const [, receiver, [variable, ...body]] = node.args;
  if (bound.length >= MAX_NESTED_COMPREHENSIONS) {
    refuse(node, `More than ${MAX_NESTED_COMPREHENSIONS} nested list macros`);
  }
  const name = variable?.op === 'id' ? nameOf(variable) : '';
  if (variable !== undefined && name !== BINDABLE && walk.vocabulary.variables.has(name)) {
    refuse(variable, `'${name}' is taken: choose another variable`);
  }
  visit(receiver, walk, bound);
  for (const expression of body) visit(expression, walk, [...bound, name]);
}

function noteOutcomeLiteral(side: ASTNode, other: ASTNode, walk: Walk): void {
  if (side.op !== 'id' || side.args !== 'outcome' || other.op !== 'value') return;
  if (typeof other.args === 'string') walk.outcomeLiterals.push(other.args);
}

/** The library drops some keys and makes texts of others: here every key is checked. */
function adaptMap(node: MapNode): void {
  for (const [key] of node.args) {
    const problem = key.op === 'value' ? keyProblem(key.args) : undefined;
    if (problem !== undefined) refuse(key, problem);
  }
  Object.assign(node, {
    evaluate: (evaluator: Evaluator, _node: ASTNode, context: unknown) =>
      buildMap(node.args, (part) => evaluator.run(part, context)),
  });
}

/** The part of the library's evaluator that a map asks for its keys and values. */
interface Evaluator {
  run(node: ASTNode, context: unknown): unknown;
}

function buildMap(entries: MapNode['args'], run: (node: ASTNode) => unknown): object {
  const map = Object.create(null) as Record<string, unknown>;
  for (const [keyNode, valueNode] of entries) {
    const key = run(keyNode);
    const problem = keyProblem(key);
    if (problem !== undefined) throw new NotJson(problem, keyNode.start);
    map[String(key)] = run(valueNode);
  }
  return map;
}

function keyProblem(key: unknown): string | undefined {
  if (typeof key !== 'string') return 'A key of a map is a text';
  return isForbiddenKey(key) ? `'${key}' is not allowed as a key` : undefined;
}

/** Says that a value cannot be carried as JSON, in the form of the library's errors. */
export class NotJson extends Error {
  readonly code = 'not-json';
  readonly summary: string;
  readonly range: { readonly start: number };

  constructor(message: string, start = 0) {
    super(message);
    this.summary = message;
    this.range = { start };
  }
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

function isNodes(node: ASTNode, { vocabulary }: Walk): boolean {
  return node.op === 'id' && node.args === 'nodes' && vocabulary.variables.has('nodes');
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
