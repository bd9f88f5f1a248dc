/** The one error with which isolation itself ends an attempt. */

/** The one table of codes, and whether another attempt can go better. docs/isolation.md is checked against it. */
export const ISOLATION_ERROR_KINDS = {
  'handler-exited': { retryable: true },
  'handler-out-of-memory': { retryable: true },
  'handler-killed': { retryable: true },
  'handler-not-loadable': { retryable: false },
  'input-not-json': { retryable: false },
  'result-not-json': { retryable: false },
} as const satisfies Record<string, { readonly retryable: boolean }>;

/** The stable code of a failure of isolation; docs/isolation.md lists all. */
export type IsolationErrorCode = keyof typeof ISOLATION_ERROR_KINDS;

/** What an isolated attempt rejects with where it is not the handler that threw; named `AbortError` where it was killed. */
export class IsolationError extends Error {
  override readonly name: string;
  readonly code: IsolationErrorCode;
  readonly retryable: boolean;

  constructor(code: IsolationErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = code === 'handler-killed' ? 'AbortError' : 'IsolationError';
    this.code = code;
    this.retryable = ISOLATION_ERROR_KINDS[code].retryable;
  }
}
