/**
 * CEL, parsed and type-checked at compile time: what conditions and value expressions share, and
 * expressions that give a value. The scope is read-only, own properties only; nothing else is
 * there. Numbers are JSON numbers: integer literals and doubles mix.
 */
import { Environment } from '@marcbachmann/cel-js';
import { UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import {
  type ConditionFault,
  type Facts,
  fromLibrary,
  inspect,
  NotJson,
  toLibrary,
  type Vocabulary,
} from './condition-syntax.js';
import type { Evaluator } from './evaluator.js';
import type { JsonObject, JsonValue } from './json.js';
import { compilePattern } from './patterns.js';
import type { EdgeScope, Evaluation, Expression, NodeView } from './plan-version.js';
import { MAX_EXPRESSION_LENGTH } from './schema-parts.js';

/** What texts of one purpose may say, what they see, and what their values have to be. */
export interface Language<Scope, Value> extends Vocabulary {
  readonly environment: Environment;
  /** The variables, out of a scope; `nodeIds` are those that the text names. */
  contextOf(scope: Scope, nodeIds: readonly string[]): Record<string, unknown>;
  /** The value in its final form. Throws an error with `code` and `summary` where it has none. */
  conclude(value: unknown): Value;
}

/** A text that has been compiled; `evaluate` never throws. */
export interface Program<Scope, Value> {
  readonly facts: Facts;
  /** Type of the value in CEL, `dyn` where it is known only at evaluation. */
  readonly type: string;
  evaluate(scope: Scope): Evaluation<Value>;
}

export type Failed = { readonly ok: false; readonly fault: ConditionFault };

export type ProgramResult<Scope, Value> =
  | { readonly ok: true; readonly program: Program<Scope, Value> }
  | Failed;

export interface ParsedExpression extends Facts {
  readonly expression: Expression;
}

export type ExpressionResult = ({ readonly ok: true } & ParsedExpression) | Failed;

/** Parses an expression whose value is JSON: made by the expression, or passed through from data. CEL unless there is an evaluator. */
export function parseExpression(text: string, evaluator?: Evaluator): ExpressionResult {
  const result = compileText(text, VALUES, evaluator);
  if (!result.ok) return result;
  const { facts, evaluate } = result.program;
  return { ok: true, expression: { text, evaluate }, ...facts };
}

/** Compiles `text`; a fault has its place in it. */
export function compileText<Scope, Value>(
  text: string,
  language: Language<Scope, Value>,
  evaluator?: Evaluator,
): ProgramResult<Scope, Value> {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    return failed(`Longer than ${MAX_EXPRESSION_LENGTH} characters`, 0);
  }
  try {
    return evaluator === undefined ? compile(text, language) : adapt(text, language, evaluator);
  } catch (error) {
    const { message, offset } = describe(error);
    return failed(message, offset);
  }
}

function compile<Scope, Value>(
  text: string,
  language: Language<Scope, Value>,
): ProgramResult<Scope, Value> {
  const run = language.environment.parse(toLibrary(text));
  const inspected = inspect(run.ast, language);
  if (!inspected.ok) return inspected;
  const checked = run.check();
  if (!checked.valid) throw checked.error;
  const evaluate = evaluation(inspected.facts, language, (context) => run(context));
  return { ok: true, program: { facts: inspected.facts, type: checked.type ?? 'dyn', evaluate } };
}

/** A text in another language than CEL: what it reads is what its evaluator says. */
function adapt<Scope, Value>(
  text: string,
  language: Language<Scope, Value>,
  evaluator: Evaluator,
): ProgramResult<Scope, Value> {
  const compiled = evaluator.compile(text);
  const facts: Facts = {
    nodeOffsets: new Map((compiled.nodes ?? []).map((id) => [id, 0])),
    outcomeLiterals: [],
    readsOutcome: false,
    readsNothing: false,
  };
  const evaluate = evaluation(facts, language, ({ [LOOP]: loop, ...context }) => {
    const variables = loop === undefined ? context : { ...context, loop };
    return compiled.evaluate(variables as JsonObject);
  });
  return { ok: true, program: { facts, type: 'dyn', evaluate } };
}

/** Never throws. */
function evaluation<Scope, Value>(
  { nodeOffsets }: Facts,
  language: Language<Scope, Value>,
  run: (context: Record<string, unknown>) => unknown,
): (scope: Scope) => Evaluation<Value> {
  const nodeIds = [...nodeOffsets.keys()];
  return (scope) => {
    try {
      return { ok: true, value: language.conclude(run(language.contextOf(scope, nodeIds))) };
    } catch (error) {
      const { code, message } = describe(error);
      return { ok: false, code, message };
    }
  };
}

export function failed(message: string, offset: number): Failed {
  return { ok: false, fault: { message, offset } };
}

interface Described {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
}

/** The stable code, the message and the place of whatever was thrown. */
function describe(error: unknown): Described {
  const { code, summary, range, offset } = error as {
    readonly code?: unknown;
    readonly summary?: unknown;
    readonly range?: { readonly start: number };
    readonly offset?: unknown;
  };
  return {
    code: typeof code === 'string' ? code.replaceAll('_', '-') : 'evaluation-error',
    message: typeof summary === 'string' ? fromLibrary(summary) : String(error),
    offset: range?.start ?? (typeof offset === 'number' ? offset : 0),
  };
}

/** An environment with these variables; their types are known only at evaluation. */
export function newEnvironment(variables: Iterable<string>): Environment {
  const created = new Environment({
    homogeneousAggregateLiterals: false,
    limits: {
      maxAstNodes: 1_000,
      maxDepth: 32,
      maxListElements: 256,
      maxMapEntries: 256,
      maxCallArguments: 8,
    },
  });
  for (const name of variables) created.registerVariable(toLibrary(name), 'dyn');
  // Data has doubles, literals and sizes are integers; the library mixes them in comparisons only.
  for (const [operator, apply] of Object.entries(ARITHMETIC)) {
    const mixed = (left: unknown, right: unknown): JsonValue => apply(Number(left), Number(right));
    created.registerOperator(`double ${operator} int: double`, mixed);
    created.registerOperator(`int ${operator} double: double`, mixed);
  }
  created.registerOperator('double % double: double', ARITHMETIC['%']);
  // `inspect` sends `matches` here: the one of the library backtracks.
  created.registerFunction('string.matchesLinear(string): bool', (text: string, source: string) =>
    compilePattern(source).test(text),
  );
  return created;
}

const ARITHMETIC = {
  '+': (left: number, right: number) => left + right,
  '-': (left: number, right: number) => left - right,
  '*': (left: number, right: number) => left * right,
  '/': (left: number, right: number) => left / right,
  '%': (left: number, right: number) => left % right,
} as const;

const LOOP = toLibrary('loop');

function edgeContext(scope: EdgeScope, nodeIds: readonly string[]): Record<string, unknown> {
  return {
    inputs: scope.inputs,
    input: scope.input ?? null,
    output: scope.output ?? null,
    outcome: scope.outcome ?? null,
    action: scope.action ?? null,
    [LOOP]: scope.loop ?? null,
    nodes: nodeIds.length === 0 ? NO_NODES : viewNodes(nodeIds, scope),
  };
}

const NO_NODES: JsonObject = Object.freeze(Object.create(null) as JsonObject);

/** Only the nodes that the expression names; one that has not finished is an empty object. */
function viewNodes(nodeIds: readonly string[], scope: EdgeScope): JsonObject {
  const nodes = Object.create(null) as JsonObject;
  for (const id of nodeIds) nodes[id] = viewNode(scope.node(id));
  return nodes;
}

const NODE_MEMBERS = ['status', 'action', 'input', 'output', 'outcome', 'artifacts'] as const;

function viewNode(view: NodeView | undefined): JsonObject {
  const members = Object.create(null) as JsonObject;
  for (const name of NODE_MEMBERS) {
    const member = view?.[name];
    if (member !== undefined) members[name] = member;
  }
  return members;
}

const MAX_DEPTH = 128;
/** Lower bound of the text's length; stops shared parts of the data from multiplying without end. */
const MAX_SIZE = 4 * 1024 * 1024;

/** Turns one value of CEL into JSON. What is JSON already stays the very same object. */
class JsonConversion {
  #size = 0;

  convert(value: unknown, depth = 0): JsonValue {
    switch (typeof value) {
      case 'string':
        this.#grow(value.length + 2);
        return value;
      case 'boolean':
        this.#grow(4);
        return value;
      case 'number':
        return this.#number(value);
      case 'bigint':
        return this.#integer(value);
      case 'object':
        return value === null ? this.#null() : this.#container(value, depth);
      default:
        throw new NotJson(`A value of type ${typeof value} is not JSON`);
    }
  }

  #grow(size: number): void {
    this.#size += size;
    if (this.#size > MAX_SIZE) throw new NotJson(`A value of more than ${MAX_SIZE} characters`);
  }

  #null(): null {
    this.#grow(4);
    return null;
  }

  #number(value: number): number {
    this.#grow(1);
    if (!Number.isFinite(value)) throw new NotJson(`${value} is not a JSON number`);
    return value === 0 ? 0 : value;
  }

  #integer(value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new NotJson(`${value} is no exact JSON number`);
    return this.#number(number);
  }

  #container(value: object, depth: number): JsonValue {
    if (value instanceof UnsignedInt) return this.#integer(value.value);
    if (depth >= MAX_DEPTH) throw new NotJson(`Deeper than ${MAX_DEPTH} levels`);
    this.#grow(2);
    if (Array.isArray(value)) return this.#list(value, depth);
    if (!isPlain(value)) throw new NotJson(`A value of type ${typeName(value)} is not JSON`);
    return this.#object(value, depth);
  }

  #list(list: readonly unknown[], depth: number): JsonValue[] {
    let copy: unknown[] | undefined;
    for (const [index, item] of list.entries()) {
      this.#grow(1);
      const json = this.convert(item, depth + 1);
      if (Object.is(json, item)) continue;
      copy ??= [...list];
      copy[index] = json;
    }
    return (copy ?? list) as JsonValue[];
  }

  #object(object: object, depth: number): JsonObject {
    let copy: JsonObject | undefined;
    for (const [key, member] of Object.entries(object)) {
      this.#grow(key.length + 4);
      const json = this.convert(member, depth + 1);
      if (Object.is(json, member)) continue;
      copy ??= Object.assign(Object.create(null) as JsonObject, object);
      copy[key] = json;
    }
    return copy ?? (object as JsonObject);
  }
}

function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

function typeName(object: object): string {
  if (object instanceof Date) return 'timestamp';
  return object instanceof Uint8Array ? 'bytes' : object.constructor.name.toLowerCase();
}

const VARIABLES = new Set(['inputs', 'input', 'output', 'outcome', 'action', 'loop', 'nodes']);

/** What every text about an edge or a node sees. */
export const EDGE_LANGUAGE = {
  variables: VARIABLES,
  environment: newEnvironment(VARIABLES),
  contextOf: edgeContext,
} as const;

const VALUES: Language<EdgeScope, JsonValue> = {
  ...EDGE_LANGUAGE,
  jsonMaps: true,
  conclude: (value) => new JsonConversion().convert(value),
};
