/**
 * Conditions of edges: CEL, parsed and type-checked at compile time. In scope are `inputs`,
 * `input`, `output`, `outcome` and `nodes`, read-only, own properties only; nothing else. Numbers
 * are JSON numbers: integer literals and doubles mix.
 */
import { Environment } from '@marcbachmann/cel-js';
import { type ConditionFault, inspectCondition } from './condition-syntax.js';
import type { JsonObject, JsonValue } from './json.js';
import { compilePattern } from './patterns.js';
import type { Condition, EdgeScope, Evaluation, NodeView } from './plan-version.js';
import { MAX_EXPRESSION_LENGTH } from './schema.js';

export type { ConditionFault } from './condition-syntax.js';

export interface ParsedCondition {
  readonly condition: Condition;
  /** Ids in `nodes["id"]` and `nodes.id`, each once, in order of appearance. */
  readonly nodeIds: readonly string[];
  /** Where each of them first stands in the text. */
  readonly nodeOffsets: ReadonlyMap<string, number>;
  readonly readsOutcome: boolean;
  /** Literals that `outcome` is compared with. */
  readonly outcomeLiterals: readonly string[];
  /** The value, where the expression reads nothing. */
  readonly constant: boolean | undefined;
}

export type ConditionResult =
  | { readonly ok: true; readonly parsed: ParsedCondition | undefined }
  | { readonly ok: false; readonly fault: ConditionFault };

/** Parses a condition. `parsed` is undefined where it is always true: empty, or `always`. */
export function parseCondition(text: string): ConditionResult {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === 'always') return { ok: true, parsed: undefined };
  if (text.length > MAX_EXPRESSION_LENGTH) {
    return fault(`Longer than ${MAX_EXPRESSION_LENGTH} characters`, 0);
  }
  try {
    return parse(text);
  } catch (error) {
    const { message, offset } = describe(error);
    return fault(message, offset);
  }
}

function parse(text: string): ConditionResult {
  const program = environment.parse(text);
  const inspected = inspectCondition(program.ast);
  if (!inspected.ok) return inspected;
  const checked = program.check();
  if (!checked.valid) throw checked.error;
  if (checked.type !== 'bool' && checked.type !== 'dyn') {
    return fault(`A condition is true or false, this is of type ${checked.type}`, 0);
  }
  const { facts } = inspected;
  const nodeIds = [...facts.nodeOffsets.keys()];
  const condition: Condition = {
    text,
    evaluate: (scope) => evaluate(program, nodeIds, scope),
  };
  const constant = facts.readsNothing ? constantOf(condition) : undefined;
  return { ok: true, parsed: { condition, nodeIds, ...facts, constant } };
}

function evaluate(
  program: (context: Record<string, unknown>) => unknown,
  nodeIds: readonly string[],
  scope: EdgeScope,
): Evaluation {
  try {
    const value = program({
      inputs: scope.inputs,
      input: scope.input ?? null,
      output: scope.output ?? null,
      outcome: scope.outcome ?? null,
      nodes: nodeIds.length === 0 ? NO_NODES : viewNodes(nodeIds, scope),
    });
    if (typeof value === 'boolean') return { ok: true, value };
    return { ok: false, code: 'not-boolean', message: 'The condition is neither true nor false' };
  } catch (error) {
    const { code, message } = describe(error);
    return { ok: false, code, message };
  }
}

const NO_NODES: JsonObject = Object.freeze(Object.create(null) as JsonObject);

/** Only the nodes that the expression names; one that has not finished is an empty object. */
function viewNodes(nodeIds: readonly string[], scope: EdgeScope): JsonObject {
  const nodes = Object.create(null) as JsonObject;
  for (const id of nodeIds) nodes[id] = viewNode(scope.node(id));
  return nodes;
}

function viewNode(view: NodeView | undefined): JsonObject {
  const members = Object.create(null) as JsonObject;
  if (view?.input !== undefined) members.input = view.input;
  if (view?.output !== undefined) members.output = view.output;
  if (view?.outcome !== undefined) members.outcome = view.outcome;
  if (view?.artifacts !== undefined) members.artifacts = view.artifacts;
  return members;
}

const EMPTY_SCOPE: EdgeScope = {
  inputs: null,
  input: undefined,
  output: undefined,
  outcome: undefined,
  node: () => undefined,
};

function constantOf(condition: Condition): boolean | undefined {
  const result = condition.evaluate(EMPTY_SCOPE);
  return result.ok ? result.value : undefined;
}

interface Described {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
}

/** The stable code, the message and the place of whatever the library threw. */
function describe(error: unknown): Described {
  const { code, summary, range } = error as {
    readonly code?: unknown;
    readonly summary?: unknown;
    readonly range?: { readonly start: number };
  };
  return {
    code: typeof code === 'string' ? code.replaceAll('_', '-') : 'evaluation-error',
    message:
      typeof summary === 'string' ? summary.replace('matchesLinear', 'matches') : String(error),
    offset: range?.start ?? 0,
  };
}

function fault(message: string, offset: number, hint?: string): ConditionResult {
  return { ok: false, fault: { message, offset, ...(hint === undefined ? {} : { hint }) } };
}

function newEnvironment(): Environment {
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
  for (const name of ['inputs', 'input', 'output', 'outcome', 'nodes']) {
    created.registerVariable(name, 'dyn');
  }
  // Data has doubles, literals and sizes are integers; the library mixes them in comparisons only.
  for (const [operator, apply] of Object.entries(ARITHMETIC)) {
    const mixed = (left: unknown, right: unknown): JsonValue => apply(Number(left), Number(right));
    created.registerOperator(`double ${operator} int: double`, mixed);
    created.registerOperator(`int ${operator} double: double`, mixed);
  }
  created.registerOperator('double % double: double', ARITHMETIC['%']);
  // inspectCondition sends `matches` here: the one of the library backtracks.
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

const environment = newEnvironment();
