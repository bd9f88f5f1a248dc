/** Compiles what a node is asked to give beside its output: deliverables with schemas, and checks. */
import { parseCheck } from './checks.js';
import type { Facts } from './condition-syntax.js';
import { reportFault, type WrittenExpression } from './expression-findings.js';
import type { Reporter } from './findings.js';
import type { NodeContext, NodeParts } from './graph-parts.js';
import type { PlanNode } from './node-schemas.js';
import { type CheckDraft, checkMessageOf, checksOf, deliverablesOf } from './node-settings.js';
import type { Checks, ExpressionCheck } from './plan-version.js';
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
    handlers: drafts.flatMap((draft) => {
      if (!('handler' in draft)) return [];
      const { handler, threshold, timeoutMs } = draft;
      return [{ ...weightOf(draft), handler, threshold, timeoutMs }];
    }),
  });
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
