/** The settings of nodes and checks that ask people, with every default filled in. */
import type { PersonDraft } from './check-schemas.js';
import type { HumanParts, NodeParts } from './graph-parts.js';
import { type HumanNode, isHuman } from './human-schemas.js';
import type { JsonValue } from './json.js';
import type { PlanNode } from './node-schemas.js';
import type {
  AskSettings,
  DecisionOption,
  EscalationLevel,
  HumanSettings,
  JudgeSettings,
} from './plan-version.js';
import { choiceResponse, editResponse, judgeResponse } from './responses.js';

const DEFAULT_REMINDERS = 10;
/** Unless it says otherwise, how often a node asks, or sends the work back. */
export const DEFAULT_ROUNDS = 3;
const ONE_ANSWER = Object.freeze({ approvals: 1, rejections: 1 });

/** `output` is the schema of the node's output, names resolved. */
export function humanOf(
  node: PlanNode,
  { human = {} }: NodeParts,
  output: JsonValue | undefined,
): HumanSettings | undefined {
  if (!isHuman(node)) return undefined;
  return Object.freeze({
    ...askOf(node, human),
    rework: reworkOf(node),
    options: optionsOf(node) ?? human.options,
    subject: human.subject,
    responseSchema: responseSchemaOf(node, output),
  });
}

/** What people who judge what a node gives are asked, and how. */
export function judgeOf(
  { ask, threshold }: PersonDraft,
  parts: Pick<HumanParts, 'responders' | 'assignee'>,
): JudgeSettings {
  const { objective, instructions, criteria, onDowntime, score } = ask;
  return Object.freeze({
    ...askOf(ask, parts),
    objective,
    instructions,
    criteria: Object.freeze([...(criteria ?? [])]),
    escalation: humanEscalationOf(ask),
    onDowntime: onDowntime ?? 'keep-due',
    score: score && Object.freeze({ ...score }),
    responseSchema: judgeResponse(threshold === undefined ? undefined : (score ?? {})),
  });
}

/** What nodes and checks say alike about whom they ask. */
type Asking = Omit<PersonDraft['ask'], 'objective' | 'instructions' | 'criteria' | 'score'>;

function askOf(
  asking: Asking,
  { responders, assignee }: Pick<HumanParts, 'responders' | 'assignee'>,
): AskSettings {
  const { reminders } = asking;
  const named = asking.responders;
  return {
    responders: Array.isArray(named) ? Object.freeze([...named]) : responders,
    groups: Object.freeze([...(asking.groups ?? [])]),
    assignee: typeof asking.assignee === 'string' ? asking.assignee : assignee,
    fourEyes: asking.fourEyes ?? false,
    delegation: asking.delegation ?? 'entitled',
    deadlineMs: asking.deadlineMs,
    reminders:
      reminders && Object.freeze({ ...reminders, max: reminders.max ?? DEFAULT_REMINDERS }),
    defaultResponse: asking.defaultResponse,
    quorum: quorumOf(asking.quorum),
  };
}

function quorumOf(quorum: Asking['quorum']): AskSettings['quorum'] {
  if (quorum === undefined) return ONE_ANSWER;
  const { approvals, rejections } = quorum;
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

/** Who is asked, level by level, as deadlines pass. */
export function humanEscalationOf(node: Pick<HumanNode, 'escalation'>): readonly EscalationLevel[] {
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
