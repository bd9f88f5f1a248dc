/** Every error that Runchart hands to a caller: one class, a stable code, what to do about it. */
import type { Issue } from './plan/issue.js';
import type { JsonObject } from './plan/json.js';

interface ErrorKind {
  /** HTTP status that answers a request which met this error. */
  readonly status: number;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
}

/** The one table of codes. docs/http.md is checked against it. */
export const ERROR_KINDS = {
  'plan-invalid': { status: 422, retryable: false },
  'plan-unknown': { status: 404, retryable: false },
  'handler-missing': { status: 409, retryable: false },
  'handler-version-missing': { status: 409, retryable: false },
  'executor-missing': { status: 409, retryable: false },
  'input-invalid': { status: 422, retryable: false },
  'argument-invalid': { status: 400, retryable: false },
  'config-invalid': { status: 400, retryable: false },
  'run-unknown': { status: 404, retryable: false },
  'run-conflict': { status: 409, retryable: false },
  'run-ended': { status: 409, retryable: false },
  'run-ending': { status: 409, retryable: false },
  'run-not-started': { status: 409, retryable: false },
  'run-failed': { status: 409, retryable: false },
  'run-cancelled': { status: 409, retryable: false },
  'run-not-failed': { status: 409, retryable: false },
  'run-not-paused': { status: 409, retryable: false },
  'run-unrestorable': { status: 409, retryable: false },
  'history-trimmed': { status: 410, retryable: false },
  'export-damaged': { status: 422, retryable: false },
  'export-secret': { status: 409, retryable: false },
  'export-unknown-format': { status: 422, retryable: false },
  'run-not-ended': { status: 409, retryable: false },
  'node-unknown': { status: 404, retryable: false },
  'node-not-running': { status: 409, retryable: false },
  'node-final': { status: 409, retryable: false },
  'node-not-changeable': { status: 409, retryable: false },
  'output-invalid': { status: 422, retryable: false },
  'replan-conflict': { status: 409, retryable: false },
  'fork-too-large': { status: 422, retryable: false },
  'node-not-retryable': { status: 409, retryable: false },
  'signal-invalid': { status: 422, retryable: false },
  'node-not-work': { status: 409, retryable: false },
  'attempt-stale': { status: 409, retryable: false },
  'chunk-too-large': { status: 413, retryable: false },
  'lease-lost': { status: 409, retryable: false },
  'artifact-unknown': { status: 404, retryable: false },
  'artifact-too-large': { status: 413, retryable: false },
  'artifact-not-uploaded': { status: 422, retryable: false },
  'artifact-corrupt': { status: 500, retryable: false },
  'task-unknown': { status: 404, retryable: false },
  'task-foreign': { status: 409, retryable: false },
  'task-closed': { status: 409, retryable: false },
  'task-expired': { status: 409, retryable: false },
  'task-claimed': { status: 409, retryable: false },
  'task-not-claimable': { status: 409, retryable: false },
  'task-superseded': { status: 409, retryable: false },
  'delegation-refused': { status: 403, retryable: false },
  'responder-refused': { status: 403, retryable: false },
  'responder-excluded': { status: 403, retryable: false },
  'principal-mismatch': { status: 403, retryable: false },
  'token-refused': { status: 401, retryable: false },
  'link-refused': { status: 410, retryable: false },
  'token-unknown': { status: 404, retryable: false },
  'vote-repeated': { status: 409, retryable: false },
  'message-conflict': { status: 409, retryable: false },
  'idempotency-key-reused': { status: 422, retryable: false },
  'presentation-outdated': { status: 409, retryable: false },
  'requester-missing': { status: 400, retryable: false },
  'response-invalid': { status: 422, retryable: false },
  'schedule-unknown': { status: 404, retryable: false },
  'schedule-conflict': { status: 409, retryable: false },
  'schedule-invalid': { status: 422, retryable: false },
  'bulk-changed': { status: 409, retryable: false },
  'bulk-mismatch': { status: 409, retryable: false },
  'webhook-unknown': { status: 404, retryable: false },
  'webhook-conflict': { status: 409, retryable: false },
  'webhook-invalid': { status: 422, retryable: false },
  'dead-letter-unknown': { status: 404, retryable: false },
  'commit-failed': { status: 503, retryable: true },
  overloaded: { status: 503, retryable: true },
  closing: { status: 503, retryable: true },
  internal: { status: 500, retryable: false },
} as const satisfies Record<string, ErrorKind>;

/** The stable code of an error; docs/http.md lists all. */
export type ErrorCode = keyof typeof ERROR_KINDS;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_KINDS, value);
}

export interface ErrorDetails {
  /** What the caller can do. */
  readonly hint?: string;
  /** All findings, where the error is about a plan or a value. */
  readonly issues?: readonly Issue[];
  /** What the caller needs to go on: the task that took the place of an old one, for instance. */
  readonly data?: JsonObject;
  readonly cause?: unknown;
}

/** Every error that Runchart hands to a caller. */
export class RunchartError extends Error {
  override readonly name = 'RunchartError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly issues: readonly Issue[];
  readonly data: JsonObject | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.issues = details.issues ?? [];
    this.data = details.data;
  }

  get retryable(): boolean {
    return ERROR_KINDS[this.code].retryable;
  }

  /** HTTP status that answers a request which met this error. */
  get status(): number {
    return ERROR_KINDS[this.code].status;
  }
}
