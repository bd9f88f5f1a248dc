/** Webhooks as their owners see them, and as rows. Secrets are in the rows alone. */
import type { DeadLetterRecord, LaneRecord, WebhookRecord } from '../actors/delivery-records.js';
import { RunchartError } from '../errors.js';
import type { JsonObject } from '../plan/json.js';
import type { EventFilter } from './event-filter.js';
import type { Secret } from './secrets.js';
import type { DeliveryError } from './send.js';

/** What disabled a webhook. */
export type DisableCode = 'by-request' | 'endpoint-failing' | 'endpoint-gone' | 'dead-letters-full';

/** Why nothing is delivered. */
export interface Disabled {
  readonly code: DisableCode;
  readonly message: string;
  readonly at: number;
}

/** A run of which a delivery failed and is tried again. */
export interface RetryingRun {
  /** Number of the event that failed. */
  readonly after: number;
  readonly tries: number;
  readonly dueAt: number;
  readonly error: DeliveryError | null;
}

/** A webhook as its owner sees it, without its secret. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  /** Types of events, with wildcards. */
  readonly types: readonly string[];
  /** Title of a plan or hash of a version, where only its runs are wanted. */
  readonly plan: string | null;
  /** Metadata that runs must have. */
  readonly metadata: JsonObject | null;
  /** Null while events are delivered. */
  readonly disabled: Disabled | null;
  /** Since when nothing has been accepted; null where the newest delivery was. */
  readonly failingSince: number | null;
  /** When retention removed, last, events that it had not been given. */
  readonly missedAt: number | null;
  /** How many runs there are of which a delivery failed and is tried again. */
  readonly behind: number;
  /** The first hundred of them. */
  readonly retrying: readonly RetryingRun[];
  /** Deliveries that failed for good. */
  readonly deadLetters: number;
  /** Until when messages are signed with the secret before this one too. */
  readonly oldSecretUntil: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The only answer that has the secret. */
export interface WebhookWithSecret extends Webhook {
  readonly secret: string;
}

/** A delivery that was given up. */
export interface DeadLetter {
  readonly webhook: string;
  /** Id of the message, as its receiver knows it. */
  readonly message: string;
  readonly run: string;
  readonly seq: number;
  readonly type: string;
  readonly tries: number;
  readonly error: DeliveryError;
  /** When it was given up. */
  readonly at: number;
}

/** A dead letter with the message itself. */
export interface DeadLetterWithBody extends DeadLetter {
  /** What is sent. */
  readonly body: JsonObject;
}

/** What a channel knows beside the row. */
export interface ChannelState {
  readonly lanes: readonly LaneRecord[];
  readonly deadLetters: number;
}

/** Most runs that are shown one by one. */
const MAX_RETRYING = 100;

export function toWebhook(record: WebhookRecord, { lanes, deadLetters }: ChannelState): Webhook {
  const { id, url, description, failingSince, missedAt, createdAt, updatedAt } = record;
  const { types = ['*'], plan = null, metadata = null } = filterOf(record);
  const [, old] = secretsOf(record);
  return {
    id,
    url,
    description,
    types,
    plan,
    metadata,
    disabled: JSON.parse(record.disabledJson ?? 'null') as Disabled | null,
    failingSince,
    missedAt,
    behind: lanes.length,
    retrying: lanes.slice(0, MAX_RETRYING).map(toRetrying),
    deadLetters,
    oldSecretUntil: old?.until ?? null,
    createdAt,
    updatedAt,
  };
}

function toRetrying({ seq, tries, dueAt, errorJson }: LaneRecord): RetryingRun {
  return { after: seq, tries, dueAt, error: JSON.parse(errorJson) as DeliveryError | null };
}

export function toDeadLetter(record: DeadLetterRecord): DeadLetter {
  const { webhook, message, runId, seq, type, tries, errorJson, at } = record;
  const error = JSON.parse(errorJson) as DeliveryError;
  return { webhook, message, run: runId, seq, type, tries, error, at };
}

export function filterOf({ filterJson }: WebhookRecord): EventFilter {
  return JSON.parse(filterJson) as EventFilter;
}

export function secretsOf({ secretsJson }: WebhookRecord): Secret[] {
  return JSON.parse(secretsJson) as Secret[];
}

export function unknownWebhook(id: string): RunchartError {
  return new RunchartError('webhook-unknown', `there is no webhook "${id.slice(0, 128)}"`, {
    hint: 'list the webhooks to see their ids',
  });
}
