/** What was found of an answer that was taken: in the log, and with its task, where it stays when the log is trimmed. */
import type { Issue } from '../../plan/issue.js';
import type { Decider } from './decider.js';
import { reportIssues } from './report-issues.js';
import type { NodeRun } from './scope.js';

/** Of the answer that is about to close the open task of a node run. */
export function keepAnswerIssues(decider: Decider, run: NodeRun, issues: readonly Issue[]): void {
  reportIssues(decider, run, issues);
  const { tasks } = decider.model;
  const task = tasks.get(run.path);
  if (task === undefined || issues.length === 0) return;
  tasks.set(run.path, { ...task, issuesJson: JSON.stringify(issues) });
}
