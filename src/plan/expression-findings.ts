/** Reports what is wrong with an expression or a condition of a plan, with the place in its text. */
import type { ConditionFault, Facts } from './condition-syntax.js';
import type { Reporter } from './findings.js';
import { didYouMean } from './suggest.js';
import { positionIn } from './text-position.js';
import type { Topology } from './topology.js';

/** An expression as its author wrote it, and where in the plan. */
export interface WrittenExpression {
  readonly text: string;
  readonly path: string;
  /** The node that it belongs to. */
  readonly node?: string | undefined;
}

export function reportFault(
  { text, ...where }: WrittenExpression,
  { message, offset, hint }: ConditionFault,
  findings: Reporter,
  code: 'invalid-condition' | 'invalid-expression' = 'invalid-expression',
): void {
  const detail = positionIn(text, offset);
  const place = `line ${detail.line}, column ${detail.column}`;
  findings.block({ code, message: `${message} (${place})`, ...where, hint, detail });
}

/** Reports each node that an expression names and that is not there. */
export function reportUnknownNodes(
  { text, ...where }: WrittenExpression,
  { nodeOffsets }: Pick<Facts, 'nodeOffsets'>,
  { positionOf }: Pick<Topology, 'positionOf'>,
  isKnown: (id: string) => boolean,
  findings: Reporter,
): void {
  for (const [id, offset] of nodeOffsets) {
    if (isKnown(id)) continue;
    findings.block({
      code: 'unknown-node-in-condition',
      message: `The expression reads '${id}', which is not a node`,
      ...where,
      hint: didYouMean(id, positionOf.keys()),
      detail: positionIn(text, offset),
    });
  }
}
