/** A question to people, as a task puts it, and why one cannot be put. */
import type { Reason } from '../../machines/node-run-events.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { AskSettings } from '../../plan/plan-version.js';
import type { TaskPeople } from '../records.js';

export interface Question {
  readonly kind: string;
  readonly presented: JsonObject;
  readonly responseSchema: JsonValue;
  readonly people: TaskPeople;
  readonly assignee: string | null;
  readonly deadlineMs: number | undefined;
  readonly reminders: AskSettings['reminders'];
  /** Level of the escalation that asks; 0 where none does. */
  readonly level: number;
}

/** A question to nobody, or about nothing. */
export class Unanswerable extends Error {
  readonly reason: Reason;

  constructor(code: string, message: string) {
    super(message);
    this.reason = { code, message, class: 'policy' };
  }
}
