/** The settings of a node that asks people, with every default filled in. */
import type { NodeParts } from './graph-parts.js';
import { type HumanNode, isHuman } from './human-schemas.js';
import type { JsonValue } from './json.js';
import type { PlanNode } from './node-schemas.js';
import type { DecisionOption, EscalationLevel, HumanSettings } from './plan-version.js';
import { choiceResponse, editResponse } from './responses.js';

const DEFAULT_REMINDERS = 10;
const DEFAULT_ROUNDS = 3;
const ONE_ANSWER = Object.freeze({ approvals: 1, rejections: 1 });

/** `output` is the schema of the node's output, names resolved. */
export function humanOf(
  node: PlanNode,
  { human = {} }: NodeParts,
  output: JsonValue | undefined,
): HumanSettings | undefined {
  if (!isHuman(node)) return undefined;
  const { responders, assignee, reminders } = node;
  return Object.freeze({
    responders: Array.isArray(responders) ? Object.freeze([...responders]) : human.responders,
    groups: Object.freeze([...(node.groups ?? [])]),
    assignee: typeof assignee === 'string' ? assignee : human.assignee,
    fourEyes: node.fourEyes ?? false,
    delegation: node.delegation ?? 'entitled',
    deadlineMs: node.deadlineMs,
    reminders:
      reminders && Object.freeze({ ...reminders, max: reminders.max ?? DEFAULT_REMINDERS }),
    defaultResponse: node.defaultResponse,
    quorum: quorumOf(node),
    rework: reworkOf(node),
    options: optionsOf(node) ?? human.options,
    subject: human.subject,
    responseSchema: responseSchemaOf(node, output),
  });
}

function quorumOf(node: HumanNode): { approvals: number; rejections: number } {
  if (node.kind !== 'human-approval' || node.quorum === undefined) return ONE_ANSWER;
  const { approvals, rejections } = node.quorum;
  return Object.freeze({ approvals, rejections: rejections ?? 1 });
}

function reworkOf(node: HumanNode): HumanSettings['rework'] {
  const rework = 'rework' in node ? node.rework : undefined;
  return rework && Object.freeze({ to: rework.to, maxRounds: rework.maxRounds ?? DEFAULT_ROUNDS });
}

function optionsOf(node: HumanNode): readonly DecisionOption[] | undefined {
  if (node.kind !== 'human-decision' || !Array.isArray(node.options)) return undefined;
  return Object.freeze(node.options.map((option) => Object.freeze({ ...option })));
}

/** Undefined where the task itself says what there is to choose from. */
function responseSchemaOf(node: HumanNode, output: JsonValue | undefined): JsonValue | undefined {
  if (node.kind === 'human-review-edit') return editResponse(output);
  if (node.kind !== 'human-decision') return output;
  const options = optionsOf(node);
  return options && choiceResponse(options);
}

/** Who is asked, level by level, as the deadlines of a human node pass. */
export function humanEscalationOf(node: HumanNode): readonly EscalationLevel[] {
  return Object.freeze(
    (node.escalation ?? []).map((level) =>
      Object.freeze({
        handler: undefined,
        responders: level.responders && Object.freeze([...level.responders]),
        groups: level.groups && Object.freeze([...level.groups]),
        assignee: level.assignee,
        instructions: level.instructions,
        delayMs: level.delayMs ?? 0,
        deadlineMs: level.deadlineMs,
      }),
    ),
  );
}
