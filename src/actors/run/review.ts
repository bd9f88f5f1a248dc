/**
 * Work that failed, put to a reviewer: what the attempt gave and why it was refused, and what he makes
 * of it. What he accepts has a valid output and all deliverables; a check that does not hold is a warning.
 */
import type { Issue } from '../../plan/issue.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import { asObject } from '../../plan/responses.js';
import type { TaskRecord } from '../records.js';
import { storeArtifacts } from './artifacts.js';
import { assessResponse } from './assess-completion.js';
import { type ProducedArtifact, readArtifacts } from './assess-result.js';
import type { Decider } from './decider.js';
import { reportIssues } from './report-issues.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';
import { surroundingsOf } from './surroundings.js';

/** What an attempt gave that was refused, and why; nothing where it gave nothing. */
export function presentRefused({ refused }: NodeRun): JsonObject {
  if (refused === undefined) return {};
  const { product, issues } = refused;
  return {
    output: product.output ?? null,
    issues: issues as unknown as JsonValue,
    artifacts: product.artifacts.map(presentArtifact),
  };
}

function presentArtifact({ name, kind, pointer, payload, spilled }: ProducedArtifact): JsonObject {
  const isInRow = payload !== undefined && spilled === undefined;
  return { name, kind, pointer, ...(isInRow && { payload }), ...(spilled && { ...spilled }) };
}

/** What an open task presents as refused, for the task that takes its place. */
export function refusedIn(task: TaskRecord | undefined): NodeRun['refused'] {
  const presented = asObject(JSON.parse(task?.presentedJson ?? '{}') as JsonValue);
  const artifacts = readArtifacts(presented.artifacts);
  if (presented.artifacts === undefined || artifacts === undefined) return undefined;
  const { output = null, issues } = presented;
  const product = { output, outputJson: JSON.stringify(output), action: null, artifacts };
  const rest = { notes: undefined, usage: undefined, additions: undefined, reports: [] };
  return { product: { ...product, ...rest }, issues: issues as unknown as readonly Issue[] };
}

export interface Reviewed {
  readonly output: JsonValue | undefined;
  readonly artifacts: readonly ProducedArtifact[];
}

/** The output and the artifacts that an accepting answer leaves; undefined where its artifacts are malformed. */
export function reviewedBy(task: TaskRecord, response: JsonValue): Reviewed | undefined {
  const presented = asObject(JSON.parse(task.presentedJson) as JsonValue);
  const answer = asObject(response);
  const before = readArtifacts(presented.artifacts) ?? [];
  const given = readArtifacts(answer.artifacts);
  if (given === undefined || !given.every((artifact) => isKnown(artifact, before)))
    return undefined;
  const replaced = new Set(given.map(({ name }) => name));
  return {
    output: answer.output === undefined ? presented.output : answer.output,
    artifacts: [...before.filter(({ name }) => !replaced.has(name)), ...given],
  };
}

/** What is kept outside of the row is what the attempt put there: an answer cannot say so of anything else. */
function isKnown({ spilled }: ProducedArtifact, before: readonly ProducedArtifact[]): boolean {
  if (spilled === undefined) return true;
  return before.some(
    ({ spilled: kept }) => kept?.digest === spilled.digest && kept.bytes === spilled.bytes,
  );
}

/** Issues that keep an acceptance from being taken, with paths into the answer. */
export function acceptanceIssues(
  model: RunModel,
  run: NodeRun,
  reviewed: Reviewed | undefined,
): readonly Issue[] {
  if (reviewed === undefined) {
    const message = 'artifacts is a list of {name, kind, pointer? or payload?}';
    return [{ severity: 'blocking', code: 'schema-mismatch', message, path: '/artifacts' }];
  }
  const unchecked = { ...run.node, checks: { expressions: [], handlers: [] } };
  const around = surroundingsOf(model, run);
  const issues = assessResponse(unchecked, reviewed.output ?? null, around, reviewed.artifacts);
  return blockingIssues(issues).map((issue) => {
    const isAboutArtifact = /^\/(artifacts|deliverables)\b/.test(issue.path);
    return isAboutArtifact ? issue : { ...issue, path: `/output${issue.path}` };
  });
}

/** The node run has what the reviewer accepted; what its checks say of that are warnings. */
export function acceptReviewed(decider: Decider, run: NodeRun, reviewed: Reviewed): void {
  const { output, artifacts } = reviewed;
  const around = surroundingsOf(decider.model, run);
  const warnings = assessResponse(run.node, output ?? null, around, artifacts);
  reportIssues(decider, run, warnings);
  storeArtifacts(decider, run, artifacts, 'accepted');
  run.setOutput(output);
  decider.step(run, { type: 'response.accepted', warnings: warnings.length });
}
