/** What a person can choose by a link: the answers to a task that need no more than a click and a remark. */
import type { JsonObject } from '../plan/json.js';
import type { TaskView } from '../views.js';

export interface LinkChoice {
  readonly id: string;
  readonly label: string;
  /** The answer; `comment` is what the person wrote beside it, which may be empty. */
  response(comment: string): JsonObject;
}

const APPROVE: LinkChoice = {
  id: 'approve',
  label: 'Approve',
  response: (comment) => ({ approved: true, ...remark(comment) }),
};
const REJECT: LinkChoice = {
  id: 'reject',
  label: 'Reject',
  response: (comment) => ({ approved: false, ...remark(comment) }),
};
const REQUEST_CHANGES: LinkChoice = {
  id: 'request-changes',
  label: 'Request changes',
  response: (comment) => ({ approved: false, requiredEdits: [comment] }),
};

/** Empty for tasks whose answer has to be written. */
export function choicesOf({ kind, presented }: Pick<TaskView, 'kind' | 'presented'>): LinkChoice[] {
  if (kind === 'human-approval') return [APPROVE, REJECT, REQUEST_CHANGES];
  if (kind === 'budget' || kind === 'deadline') return [APPROVE, REJECT];
  if (kind !== 'human-decision' || !Array.isArray(presented.options)) return [];
  return (presented.options as unknown as readonly { id: string; title?: string }[]).map(
    ({ id, title }) => ({
      id,
      label: title ?? id,
      response: (comment) => ({ choice: id, ...remark(comment) }),
    }),
  );
}

function remark(comment: string): JsonObject {
  return comment === '' ? {} : { comments: comment };
}
