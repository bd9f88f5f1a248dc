/** What a command that cannot do what it was asked says, and with which exit code. */
import { ProblemError } from '../client/index.js';
import { type ErrorCode, type Issue, RunchartError, StorageError } from '../index.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { clean, note } from './output.js';

/** A command that was given something wrong: a file that is not there, an option that does not fit. */
export class UsageError extends Error {
  readonly hint: string | undefined;
  readonly issues: readonly Issue[];

  constructor(message: string, details: { hint?: string; issues?: readonly Issue[] } = {}) {
    super(message);
    this.hint = details.hint;
    this.issues = details.issues ?? [];
  }
}

/** What to throw where a file was to be written: other errors stay as they are. */
export function cannotWrite(path: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  return new UsageError(`${path} cannot be written: ${error.message}`, {
    hint: 'name a file in a folder that is there and can be written',
  });
}

/** An error that the server of a database answered with. */
export class RemoteError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly issues: readonly Issue[];

  constructor(code: string, message: string, hint?: string, issues: readonly Issue[] = []) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.issues = issues;
  }
}

/** The code of an error, whether it was met here or by a server. */
export function codeOf(error: unknown): string | undefined {
  const isCoded = error instanceof RunchartError || error instanceof ProblemError;
  return isCoded ? error.code : undefined;
}

/** Errors that repeating the same command can never mend. */
const USAGE: ReadonlySet<string> = new Set<ErrorCode>([
  'plan-invalid',
  'plan-unknown',
  'handler-missing',
  'executor-missing',
  'input-invalid',
  'argument-invalid',
  'config-invalid',
  'response-invalid',
  'artifact-unknown',
  'schedule-invalid',
  'bulk-mismatch',
]);

/** Prints an error and returns the exit code that goes with it. */
export function reportFailure(error: unknown): ExitCode {
  if (error instanceof UsageError) {
    report('error', error.message, error.issues, error.hint);
    return EXIT.usage;
  }
  if (error instanceof ProblemError && error.code === 'unreachable') {
    const hint = 'wait until the server has started or stopped, and try again';
    report('owner-unreachable', error.message, [], hint);
    return EXIT.failed;
  }
  if (
    error instanceof RunchartError ||
    error instanceof RemoteError ||
    error instanceof ProblemError
  ) {
    const { code, issues, hint } = error;
    const message = issues.length === 0 ? error.message : (error.message.split('\n')[0] ?? '');
    report(code, code === 'plan-invalid' ? 'the plan has faults' : message, issues, hint);
    return USAGE.has(code) ? EXIT.usage : EXIT.failed;
  }
  if (error instanceof StorageError) {
    report(error.code, error.message, [], error.hint);
    return EXIT.failed;
  }
  report('error', error instanceof Error ? error.message : String(error), [], undefined);
  return EXIT.failed;
}

function report(
  code: string,
  message: string,
  issues: readonly Issue[],
  hint: string | undefined,
): void {
  note(`${code}: ${clean(message)}`);
  for (const issue of issues) note(`  ${formatIssue(issue)}`);
  if (hint !== undefined) note(`hint: ${clean(hint)}`);
}

/** One finding on one line. */
export function formatIssue({ severity, code, path, message, hint }: Issue): string {
  const advice = hint === undefined ? '' : ` (${hint})`;
  return clean(`${severity} ${code} ${path || '/'} ${message}${advice}`);
}
