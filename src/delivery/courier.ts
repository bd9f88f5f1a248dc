/** Carries one message to its receiver: signs it, bounds the time that it takes, and says what came of it. */
import type { LoggedEvent, WebhookRecord } from '../actors/delivery-records.js';
import type { Clock } from '../actors/environment.js';
import type { TraceContext } from '../actors/records.js';
import { DEFAULT_TENANT, tenantOf } from '../actors/tenant.js';
import { traceFromHeaders } from '../actors/trace-context.js';
import { toEvent } from '../row-views.js';
import { messageId, signedHeaders } from './secrets.js';
import {
  type DeliveryError,
  DeliveryFailure,
  type SendWebhook,
  type WebhookAnswer,
} from './send.js';
import type { TenantPositions } from './tenant-positions.js';
import { secretsOf } from './webhook.js';

export interface Message {
  readonly id: string;
  readonly body: string;
  /** The trace that what it tells of belongs to. */
  readonly trace?: TraceContext | undefined;
}

export type Outcome =
  | { readonly isAccepted: true; readonly status: number }
  | {
      readonly isAccepted: false;
      readonly error: DeliveryError;
      /** How long the receiver wants to be left alone, in milliseconds. */
      readonly retryAfterMs?: number | undefined;
      /** The receiver wants nothing any more. */
      readonly isGone: boolean;
    };

export interface CourierParts {
  readonly clock: Clock;
  readonly send: SendWebhook;
  /** How long a receiver may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** Longest message of an error that is kept. */
const MAX_MESSAGE = 500;

/** The message about an event to a webhook: the same at every try. */
export function messageOf(
  logged: LoggedEvent,
  webhook: Pick<WebhookRecord, 'id'>,
  positions: TenantPositions,
): Message {
  const { turn, runId, correlation, traceJson, event } = logged;
  const { type, at, seq } = event;
  const isInstallation = tenantOf(webhook.id) === DEFAULT_TENANT;
  const shown = isInstallation ? turn : positions.turn(runId, turn);
  const data = { ...toEvent(event, runId, correlation), turn: shown };
  const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
  const trace = traceJson === null ? undefined : (JSON.parse(traceJson) as TraceContext);
  return { id: messageId(runId, seq, at), body, trace };
}

export class Courier {
  readonly #parts: CourierParts;
  readonly #underWay = new Set<AbortController>();

  constructor(parts: CourierParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async deliver(webhook: WebhookRecord, { id, body, trace }: Message): Promise<Outcome> {
    const { clock, send, timeoutMs } = this.#parts;
    const controller = new AbortController();
    this.#underWay.add(controller);
    let callOff = () => {};
    const tooLate = new Promise<never>((_, reject) => {
      const giveUp = () => {
        reject(new DeliveryFailure('timeout', `no answer within ${timeoutMs} ms`));
        controller.abort();
      };
      callOff = clock.wakeAt(clock.now() + timeoutMs, giveUp);
    });
    try {
      const at = clock.now();
      const headers = {
        ...signedHeaders({ id, at, body }, secretsOf(webhook)),
        ...traceFromHeaders(trace?.traceparent, trace?.tracestate),
      };
      const { url, id: name } = webhook;
      const request = { url, headers, body, tenant: tenantOf(name), signal: controller.signal };
      return judge(await Promise.race([send(request), tooLate]), at);
    } catch (error) {
      return { isAccepted: false, error: describe(error), isGone: false };
    } finally {
      callOff();
      this.#underWay.delete(controller);
    }
  }

  /** Gives up what is under way. */
  abort(): void {
    for (const controller of this.#underWay) controller.abort();
  }
}

function judge({ status, retryAfter }: WebhookAnswer, now: number): Outcome {
  if (status >= 200 && status < 300) return { isAccepted: true, status };
  const isRedirect = status >= 300 && status < 400;
  const message = isRedirect
    ? `the answer was ${status}, and redirects are not followed`
    : `the answer was ${status}`;
  const retryAfterMs = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, now);
  const error = { code: 'status-refused', message, status } as const;
  return { isAccepted: false, error, retryAfterMs, isGone: status === 410 };
}

/** Seconds, or a date. */
function parseRetryAfter(text: string, now: number): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function describe(error: unknown): DeliveryError {
  const code = error instanceof DeliveryFailure ? error.code : 'connection-failed';
  const message = error instanceof Error ? error.message : String(error);
  return { code, message: message.slice(0, MAX_MESSAGE).toWellFormed() };
}
