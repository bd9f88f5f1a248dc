/** What follows from a delivery that failed: another try, a dead letter, the end of the webhook. Pure. */
import type {
  DeadLetterRecord,
  LaneRecord,
  LoggedEvent,
  WebhookRecord,
} from '../actors/delivery-records.js';
import type { Message, Outcome } from './courier.js';
import type { DeliveryLimits } from './limits.js';
import type { Disabled } from './webhook.js';

export type Refusal = Extract<Outcome, { isAccepted: false }>;

export interface Failure {
  readonly webhook: WebhookRecord;
  readonly lane: LaneRecord;
  readonly logged: LoggedEvent;
  /** What was to be delivered. */
  readonly message: Message;
  readonly refusal: Refusal;
  /** Dead letters that there are. */
  readonly deadLetters: number;
  readonly now: number;
  /** From 0 to 1. */
  readonly chance: number;
}

export interface FailureDecision {
  readonly webhook: WebhookRecord;
  readonly lane: LaneRecord;
  readonly deadLetter: DeadLetterRecord | undefined;
  /** Why the webhook is disabled, where it is now. */
  readonly disabled: Disabled | undefined;
}

export function decideFailure(failure: Failure, limits: DeliveryLimits): FailureDecision {
  const { lane, logged, refusal, now } = failure;
  // A try ahead of its time, since the receiver seemed to be back, counts as none.
  const isAhead = now < lane.dueAt;
  const tries = isAhead ? lane.tries : lane.tries + 1;
  const deadLetter = tries >= limits.maxTries ? deadLetterOf(failure, tries) : undefined;
  const disabled = disabledBy(failure, deadLetter !== undefined, limits);
  const webhook = {
    ...failure.webhook,
    failingSince: failure.webhook.failingSince ?? now,
    ...(disabled !== undefined && { disabledJson: JSON.stringify(disabled) }),
  };
  // The run goes on behind a dead letter: whoever listens would rather miss one event than its end.
  const behind = { ...lane, seq: logged.event.seq, tries: 0, dueAt: now, errorJson: 'null' };
  const dueAt = isAhead
    ? Math.max(lane.dueAt, now + askedMs(refusal, limits))
    : now + delayMs(failure, tries, limits);
  const again = { ...lane, tries, dueAt, errorJson: JSON.stringify(refusal.error) };
  return { webhook, lane: deadLetter === undefined ? again : behind, deadLetter, disabled };
}

/** Doubled each time up to a bound, shortened by chance by a quarter at most; longer where the receiver asks. */
function delayMs({ chance, refusal }: Failure, tries: number, limits: DeliveryLimits): number {
  const doubled = Math.min(limits.firstDelayMs * 2 ** (tries - 1), limits.maxDelayMs);
  return Math.max(Math.round(doubled * (1 - chance / 4)), askedMs(refusal, limits));
}

/** The wait that the receiver asks for. */
function askedMs({ retryAfterMs = 0 }: Refusal, { maxDelayMs }: DeliveryLimits): number {
  return Math.min(retryAfterMs, maxDelayMs);
}

function disabledBy(
  { refusal, webhook, now, deadLetters }: Failure,
  isGivenUp: boolean,
  { disableAfterMs, maxDeadLetters }: DeliveryLimits,
): Disabled | undefined {
  const failingSince = webhook.failingSince ?? now;
  if (refusal.isGone) {
    return { code: 'endpoint-gone', message: 'the receiver answered 410', at: now };
  }
  if (now - failingSince >= disableAfterMs) {
    const message = `nothing was accepted for ${disableAfterMs} ms`;
    return { code: 'endpoint-failing', message, at: now };
  }
  if (!isGivenUp || deadLetters + 1 < maxDeadLetters) return undefined;
  const message = `${maxDeadLetters} deliveries were given up`;
  return { code: 'dead-letters-full', message, at: now };
}

function deadLetterOf(failure: Failure, tries: number): DeadLetterRecord {
  const { webhook, logged, refusal, now } = failure;
  const { id: message, body: bodyJson } = failure.message;
  const { seq, type } = logged.event;
  const errorJson = JSON.stringify(refusal.error);
  const { runId } = logged;
  return { webhook: webhook.id, message, runId, seq, type, bodyJson, tries, errorJson, at: now };
}
