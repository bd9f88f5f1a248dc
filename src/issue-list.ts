/**
 * The issues of a run: those of attempts from their rows, those of people's answers from their tasks. What
 * versions before these rows were kept found of answers is in the log, as long as that is not trimmed.
 */
import type { AttemptRecord, EventRecord, TaskRecord } from './actors/records.js';
import type { Issue } from './plan/issue.js';
import type { RunRows } from './storage/run-rows.js';
import type { IssueView } from './views.js';

/** Oldest first within a node; those of people's answers last. */
export async function listIssues(
  rows: Pick<RunRows, 'attemptsWithIssues' | 'tasksWithIssues' | 'eventsOfType'>,
  run: number,
): Promise<IssueView[]> {
  const attempts = await rows.attemptsWithIssues(run);
  const ofTasks = (await rows.tasksWithIssues(run)).flatMap(ofTask);
  const reports = await rows.eventsOfType(run, 'validation.reported', ISSUE_LIMIT);
  const kept = new Set(ofTasks.map(placeOf));
  const ofLog = reports
    .filter(({ attempt }) => attempt === null)
    .flatMap(ofReport)
    .filter((issue) => !kept.has(placeOf(issue)));
  return [...attempts.flatMap(ofAttempt), ...ofTasks, ...ofLog].slice(0, ISSUE_LIMIT);
}

const ISSUE_LIMIT = 1_000;

function placeOf({ node, generation }: IssueView): string {
  return `${generation} ${node}`;
}

function ofAttempt({ node, generation, attempt, issuesJson }: AttemptRecord): IssueView[] {
  return read(issuesJson).map((issue) => toView(issue, { node, generation, attempt }));
}

function ofTask({ node, generation, issuesJson }: TaskRecord): IssueView[] {
  return read(issuesJson).map((issue) => toView(issue, { node, generation, attempt: 0 }));
}

function read(issuesJson: string | null): Issue[] {
  return JSON.parse(issuesJson ?? '[]') as Issue[];
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
