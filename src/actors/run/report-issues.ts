/** Issues of what a node gives, as the log has them: a hundred at most. */
import type { Issue } from '../../plan/issue.js';
import type { Decider } from './decider.js';
import type { NodeRun } from './scope.js';

const ISSUE_LIMIT = 100;

export function reportIssues(
  { turn }: Pick<Decider, 'turn'>,
  run: NodeRun,
  issues: readonly Issue[],
): void {
  if (issues.length === 0) return;
  const findings = issues
    .slice(0, ISSUE_LIMIT)
    .map(({ severity, code, message, path }) => ({ severity, code, message, path }));
  turn.event('validation.reported', run.path, run.attempt === 0 ? null : run.attempt, {
    issues: findings,
    generation: run.generation > 1 ? run.generation : undefined,
  });
}
