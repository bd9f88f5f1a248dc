/** The issues of a run: those of attempts from their rows, those of people's responses from the log. */
import type { AttemptRecord, EventRecord } from './actors/records.js';
import type { Issue } from './plan/issue.js';
import type { RunRows } from './run-rows.js';
import type { IssueView } from './views.js';

/** Oldest first within a node; those of people's responses last. */
export async function listIssues(
  rows: Pick<RunRows, 'attemptsWithIssues' | 'eventsOfType'>,
  run: number,
): Promise<IssueView[]> {
  const attempts = await rows.attemptsWithIssues(run);
  const reports = await rows.eventsOfType(run, 'validation.reported', ISSUE_LIMIT);
  const ofPeople = reports.filter(({ attempt }) => attempt === null);
  return [...attempts.flatMap(ofAttempt), ...ofPeople.flatMap(ofReport)].slice(0, ISSUE_LIMIT);
}

const ISSUE_LIMIT = 1_000;

function ofAttempt({ node, generation, attempt, issuesJson }: AttemptRecord): IssueView[] {
  const issues = JSON.parse(issuesJson ?? '[]') as Issue[];
  return issues.map((issue) => toView(issue, { node, generation, attempt }));
}

function ofReport({ node, detailJson }: EventRecord): IssueView[] {
  const { issues, generation = 1 } = JSON.parse(detailJson) as {
    readonly issues: Issue[];
    readonly generation?: number;
  };
  return issues.map((issue) => toView(issue, { node: node ?? '', generation, attempt: 0 }));
}

function toView(
  { severity, code, message, path, detail }: Issue,
  of: Pick<IssueView, 'node' | 'generation' | 'attempt'>,
): IssueView {
  return { ...of, severity, code, message, path, ...(detail !== undefined && { detail }) };
}
