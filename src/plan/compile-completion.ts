/** Compiles what a node is asked to give beside its output: deliverables with schemas, and checks. */
import { checkJudges } from './check-people.js';
import type { CheckDraft, PersonDraft } from './check-schemas.js';
import { parseCheck } from './checks.js';
import type { Facts } from './condition-syntax.js';
import { reportFault, type WrittenExpression } from './expression-findings.js';
import type { Reporter } from './findings.js';
import type { NodeContext, NodeParts } from './graph-parts.js';
import { judgeOf } from './human-settings.js';
import type { PlanNode } from './node-schemas.js';
import { checkMessageOf, checksOf, deliverablesOf } from './node-settings.js';
import type {
  Checks,
  Expression,
  ExpressionCheck,
  HandlerCheck,
  PersonCheck,
} from './plan-version.js';
import { pointer } from './pointer.js';

/** What compiling a node offers for its parts; paths are within the graph. */
export interface Surroundings {
  readonly findings: Reporter;
  readonly context: NodeContext;
  /** JSON Pointer of the node. */
  readonly path: string;
  /** An expression at a place within the node. */
  written(text: string, at: readonly (string | number)[]): WrittenExpression;
  checkReferences(written: WrittenExpression, facts: Pick<Facts, 'nodeOffsets'>): void;
  /** Compiles an expression at a place within the node. */
  expression(text: string | undefined, at: readonly (string | number)[]): Expression | undefined;
}

export function compileCompletion(
  node: PlanNode,
  around: Surroundings,
): Required<Pick<NodeParts, 'deliverables' | 'checks'>> {
  const { schemas, base } = around.context;
  const path = `${base}${around.path}/deliverables`;
  return {
    deliverables: deliverablesOf(node).map(({ schema }, index) =>
      schemas.resolve(schema, path + pointer(index, 'schema'), node.id),
    ),
    checks: compileChecks(node, around),
  };
}

function compileChecks(node: PlanNode, around: Surroundings): Checks {
  const drafts = checksOf(node);
  refuseRepeated(drafts, node, around);
  return Object.freeze({
    expressions: drafts.flatMap((draft, index) => compileExpression(draft, index, around)),
    judges: [
      ...drafts.flatMap(compileHandler),
      ...drafts.flatMap((draft, index) => compilePerson(draft, node, index, around)),
    ],
  });
}

function compileHandler(draft: CheckDraft): HandlerCheck[] {
  if (!('handler' in draft)) return [];
  const { handler, threshold, timeoutMs } = draft;
  return [{ ...weightOf(draft), handler, threshold, timeoutMs }];
}

function compilePerson(
  draft: CheckDraft,
  node: PlanNode,
  index: number,
  around: Surroundings,
): PersonCheck[] {
  if (!('ask' in draft)) return [];
  checkJudges(node.id, draft, `${around.path}${pointer('checks', index)}`, around.findings);
  const ask = judgeOf(draft, {
    responders: workedOut(draft, 'responders', index, around),
    assignee: workedOut(draft, 'assignee', index, around),
  });
  return [{ ...weightOf(draft), ask, threshold: draft.threshold }];
}

function workedOut(
  { ask }: PersonDraft,
  property: 'responders' | 'assignee',
  index: number,
  { expression }: Surroundings,
): Expression | undefined {
  const value = ask[property];
  const isGiven = typeof value !== 'object' || Array.isArray(value);
  return isGiven ? undefined : expression(value.from, ['checks', index, 'ask', property, 'from']);
}

function compileExpression(
  draft: CheckDraft,
  index: number,
  around: Surroundings,
): ExpressionCheck[] {
  if (!('when' in draft)) return [];
  const written = around.written(draft.when, ['checks', index, 'when']);
  const result = parseCheck(draft.when, around.context.evaluator);
  if (!result.ok) {
    reportFault(written, result.fault, around.findings);
    return [];
  }
  around.checkReferences(written, result);
  return [{ ...weightOf(draft), condition: result.condition }];
}

/** What a check says, and how much it weighs, where it is not fulfilled. */
function weightOf(draft: CheckDraft) {
  return {
    name: draft.name,
    severity: draft.severity ?? ('blocking' as const),
    message: checkMessageOf(draft),
  };
}

function refuseRepeated(
  drafts: readonly CheckDraft[],
  { id }: PlanNode,
  { findings, path }: Surroundings,
): void {
  const seen = new Set<string>();
  for (const [index, { name }] of drafts.entries()) {
    if (seen.has(name)) {
      findings.block({
        code: 'duplicate-check',
        message: `'${id}' has two checks named '${name}'`,
        path: path + pointer('checks', index, 'name'),
        node: id,
        hint: 'Give each check of a node a name of its own',
      });
    }
    seen.add(name);
  }
}
