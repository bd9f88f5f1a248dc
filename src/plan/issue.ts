import type { JsonValue } from './json.js';

/** Blocking issues refuse the plan or the value; warnings are reported and go on. */
export type IssueSeverity = 'blocking' | 'warning';

/** One validation finding. `code` is stable; `message` is for people and may change. */
export interface Issue {
  readonly severity: IssueSeverity;
  readonly code: string;
  readonly message: string;
  /** Where in the plan or value, as a JSON Pointer (RFC 6901); the empty string is the whole. */
  readonly path: string;
  /** The node that the finding is about. */
  readonly node?: string;
  /** What to do about it. */
  readonly hint?: string;
  readonly detail?: JsonValue;
}

/** The blocking ones of `issues`. */
export function blockingIssues(issues: readonly Issue[]): Issue[] {
  return issues.filter((issue) => issue.severity === 'blocking');
}

/** Blocking issues as one `code: message` line each. */
export function formatIssues(issues: readonly Issue[]): string {
  return blockingIssues(issues)
    .map((issue) => `${issue.code}: ${issue.message}`)
    .join('\n');
}
