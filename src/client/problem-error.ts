/** What a request that did not succeed is rejected with. */
import type { Issue, JsonObject, Problem } from './api.js';

/** A request that was refused, failed, or got no answer. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** Stable. `unreachable`: no answer came. `answer-unreadable`: what came is none of a Runchart server. */
  readonly code: string;
  /** Of the answer; 0 where none came. */
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** What the caller can do. */
  readonly hint: string | undefined;
  /** All findings about what was sent. */
  readonly issues: readonly Issue[];
  /** What is needed to go on. */
  readonly data: JsonObject | undefined;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    problem: Pick<Problem, 'code' | 'status' | 'detail' | 'retryable'> & Partial<Problem>,
    details: { readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(problem.detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = problem.code;
    this.status = problem.status;
    this.retryable = problem.retryable;
    this.hint = problem.hint;
    this.issues = problem.issues ?? [];
    this.data = problem.data;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The error that an answer is. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const { status, headers } = response;
  const retryAfterMs = secondsOf(headers.get('retry-after'));
  const body = (await response.json().catch(() => null)) as Partial<Problem> | null;
  const { code = 'answer-unreadable', detail = `the server answered ${status}` } = body ?? {};
  const retryable = body?.retryable ?? (status === 429 || status === 502 || status === 503);
  return new ProblemError({ ...body, code, detail, status, retryable }, { retryAfterMs });
}

/** No answer, or not all of it. */
export function unreachable(url: URL, cause: unknown): ProblemError {
  const detail = `${url.origin} does not answer: ${cause instanceof Error ? cause.message : cause}`;
  const problem = { code: 'unreachable', status: 0, detail, retryable: true };
  return new ProblemError(problem, { cause });
}

function secondsOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined;
}
