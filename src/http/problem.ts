/** Errors as problem details (RFC 9457). Nothing but codes and texts made for callers goes out. */
import type { Context } from 'hono';
import { type ErrorCode, RunchartError } from '../errors.js';
import { StorageError } from '../open-reader.js';
import type { Issue } from '../plan/issue.js';
import type { JsonObject } from '../plan/json.js';

/** Errors of the request itself; all others are those of the API. docs/http.md lists both. */
export const REQUEST_ERRORS = {
  'body-malformed': 400,
  'body-too-deep': 400,
  'body-too-large': 413,
  'content-type-refused': 415,
  'inspection-refused': 401,
  'token-missing': 401,
  'role-refused': 403,
  'rate-limited': 429,
  'too-many-streams': 429,
  'host-refused': 403,
  'origin-refused': 403,
  'route-unknown': 404,
  'session-unknown': 404,
  'method-refused': 405,
} as const;

/** Every code that a problem may have, but for those of a fault of the storage. */
export type ProblemCode = ErrorCode | keyof typeof REQUEST_ERRORS;

export class RequestError extends Error {
  readonly code: keyof typeof REQUEST_ERRORS;
  readonly hint: string | undefined;

  constructor(code: keyof typeof REQUEST_ERRORS, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** An error as the HTTP API tells it (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly hint?: string;
  readonly issues?: readonly Issue[];
  /** What is needed to go on, where the hint alone does not do. */
  readonly data?: JsonObject;
}

/** What may be said about an error. Anything unknown is an internal one, without its message. */
export function toProblem(error: unknown): Problem {
  if (error instanceof RunchartError && error.code !== 'internal') {
    const { code, status, message, retryable, hint, issues, data } = error;
    return problem({ code, status, detail: message, retryable, hint, issues, data });
  }
  if (error instanceof RequestError) {
    const { code, message, hint } = error;
    const status = REQUEST_ERRORS[code];
    return problem({ code, status, detail: message, retryable: status === 429, hint });
  }
  if (error instanceof StorageError) {
    const { code, message, hint } = error;
    return problem({ code, status: 503, detail: message, retryable: true, hint });
  }
  const detail = 'Something went wrong inside. The log of the server says what.';
  return problem({ code: 'internal', status: 500, detail, retryable: false });
}

function problem(parts: {
  code: string;
  status: number;
  detail: string;
  retryable: boolean;
  hint?: string | undefined;
  issues?: readonly Issue[] | undefined;
  data?: JsonObject | undefined;
}): Problem {
  const { code, status, detail, retryable, hint, issues = [], data } = parts;
  return {
    type: `urn:runchart:error:${code}`,
    title: code.replaceAll('-', ' '),
    status,
    code,
    detail,
    retryable,
    ...(hint !== undefined && { hint }),
    ...(issues.length > 0 && { issues }),
    ...(data !== undefined && { data }),
  };
}

export function sendProblem(context: Context, error: unknown): Response {
  const found = toProblem(error);
  if (found.retryable && !context.res.headers.has('retry-after')) {
    context.header('Retry-After', '1');
  }
  return new Response(JSON.stringify(found), {
    status: found.status,
    headers: { ...headersOf(context), 'content-type': 'application/problem+json' },
  });
}

function headersOf(context: Context): Record<string, string> {
  return Object.fromEntries(context.res.headers);
}
