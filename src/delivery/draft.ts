/** What a webhook is to be, as its owner writes it, checked. */
import { RunchartError } from '../errors.js';
import type { Issue } from '../plan/issue.js';
import type { JsonObject } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';
import { readOptions } from '../read-arguments.js';
import type { AddressPolicy } from './address-policy.js';
import { type EventFilter, problemsOf } from './event-filter.js';
import { isSecret } from './secrets.js';

/** What a webhook is told of, and where. */
export interface WebhookDraft {
  /** Where events are posted. */
  readonly url: string;
  /** Types of events, with wildcards: `run.*`, `*.failed`. All of them unless given. */
  readonly types?: readonly string[] | undefined;
  /** Only of runs of the plan with this title, or of the version with this hash. */
  readonly plan?: string | null | undefined;
  /** Only of runs with these values in their metadata. */
  readonly metadata?: JsonObject | null | undefined;
  readonly description?: string | undefined;
}

/** A webhook to be added. */
export interface NewWebhook extends WebhookDraft {
  /** Letters, digits, and `_ . -`; a new one unless given. */
  readonly id?: string | undefined;
  /** `whsec_` and base64 of 24 to 64 bytes; a new one unless given. */
  readonly secret?: string | undefined;
}

/** What is undefined stays as it is. */
export interface WebhookChanges extends Omit<WebhookDraft, 'url'> {
  readonly url?: string | undefined;
  /** True stops deliveries; false goes on from where they stopped. */
  readonly disabled?: boolean | undefined;
}

const MAX_URL = 2_048;
const MAX_DESCRIPTION = 1_024;

/** Throws `webhook-invalid` with all issues. */
export function assertDraft(draft: NewWebhook & WebhookChanges, policy: AddressPolicy): void {
  const { id, url, description, secret, disabled } = readOptions(draft);
  const issues: Issue[] = [];
  const refuse = (path: string, message: string) =>
    issues.push({ severity: 'blocking', code: 'invalid-value', message, path });
  if (id !== undefined && !/^[\w.-]{1,128}$/.test(id)) {
    refuse('/id', 'id has 1 to 128 letters, digits, and _ . -');
  }
  const problem = problemOfUrl(url, policy);
  if (problem !== undefined) refuse('/url', problem);
  for (const message of problemsOf(filterFrom(draft))) {
    refuse(`/${message.split(' ', 1)[0]}`, message);
  }
  if (draft.metadata && !toJsonValue(draft.metadata, { maxDepth: 32, maxBytes: 65_536 }).ok) {
    refuse('/metadata', 'metadata is JSON of 65,536 characters at most');
  }
  if (description !== undefined && !isDescription(description)) {
    refuse('/description', `description has at most ${MAX_DESCRIPTION} characters`);
  }
  if (secret !== undefined && !isSecret(secret)) {
    refuse('/secret', 'secret is whsec_ and base64 of 24 to 64 bytes');
  }
  if (disabled !== undefined && typeof disabled !== 'boolean') {
    refuse('/disabled', 'disabled is true or false');
  }
  const [first] = issues;
  if (first === undefined) return;
  throw new RunchartError('webhook-invalid', `the webhook is refused: ${first.message}`, {
    issues,
    hint: 'see docs/webhooks.md',
  });
}

/** The part of a draft that says which events are wanted. */
export function filterFrom({ types, plan, metadata }: Partial<WebhookDraft>): EventFilter {
  return {
    ...(types !== undefined && { types }),
    ...(plan !== undefined && plan !== null && { plan }),
    ...(metadata !== undefined && metadata !== null && { metadata }),
  };
}

function problemOfUrl(text: unknown, policy: AddressPolicy): string | undefined {
  if (typeof text !== 'string' || text.length > MAX_URL || !URL.canParse(text)) {
    return `url is an address of at most ${MAX_URL} characters`;
  }
  const problem = policy.problemOf(new URL(text));
  return problem && `url: ${problem}`;
}

function isDescription(text: unknown): boolean {
  return typeof text === 'string' && text.length <= MAX_DESCRIPTION && text.isWellFormed();
}
