/**
 * Work that failed, put to a reviewer: what the attempt gave and why it was refused, and what he makes
 * of it. What he accepts has a valid output and all deliverables; a check that does not hold is a warning.
 */
import type { Issue } from '../../plan/issue.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type { CompiledNode } from '../../plan/plan-version.js';
import { asObject } from '../../plan/responses.js';
import type { TaskRecord } from '../records.js';
import { keepAnswerIssues } from './answer-issues.js';
import { storeArtifacts } from './artifacts.js';
import { completionIssues } from './assess-completion.js';
import { type ProducedArtifact, readArtifacts } from './assess-result.js';
import type { Decider } from './decider.js';
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

/** A payload that is kept in a file is named by where it is. */
export function presentArtifact({
  name,
  kind,
  pointer,
  payload,
  spilled,
}: ProducedArtifact): JsonObject {
  const isInRow = payload !== undefined && spilled === undefined;
  return { name, kind, pointer, ...(isInRow && { payload }), ...(spilled && { ...spilled }) };
}

/** What an open task presents as refused, for the task that takes its place. */
export function refusedIn(task: TaskRecord | undefined): NodeRun['refused'] {
  return readRefused(asObject(JSON.parse(task?.presentedJson ?? '{}') as JsonValue));
}

/** What was presented as refused, or is to be. */
export function readRefused(presented: JsonObject): NodeRun['refused'] {
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
  /** What was found of artifacts that stay as they were and are not at hand: they were looked at when they came. */
  readonly found: readonly Issue[];
}

/** The output and the artifacts that an accepting answer leaves; undefined where its artifacts are malformed. */
export function reviewedBy(
  task: TaskRecord,
  response: JsonValue,
  handedOver: readonly ProducedArtifact[] = [],
): Reviewed | undefined {
  const presented = asObject(JSON.parse(task.presentedJson) as JsonValue);
  const answer = asObject(response);
  const before = readArtifacts(presented.artifacts) ?? [];
  const named = readArtifacts(answer.artifacts);
  if (named?.every((artifact) => isKnown(artifact, before)) !== true) return undefined;
  const given = [...named, ...handedOver];
  const replaced = new Set(given.map(({ name }) => name));
  const artifacts = [...before.filter(({ name }) => !replaced.has(name)), ...given];
  const issues = (presented.issues ?? []) as unknown as readonly Issue[];
  const found = artifacts.flatMap(({ spilled }, index) => {
    if (spilled === undefined) return [];
    const place = before.findIndex(({ spilled: kept }) => kept?.digest === spilled.digest);
    const path = `/artifacts/${place}/payload`;
    return issues.flatMap((issue) => {
      const isOfIt = issue.path === path || issue.path.startsWith(`${path}/`);
      const rest = issue.path.slice(path.length);
      return isOfIt ? [{ ...issue, path: `/artifacts/${index}/payload${rest}` }] : [];
    });
  });
  return {
    output: answer.output === undefined ? presented.output : answer.output,
    artifacts,
    found,
  };
}

/** The node as far as what it asks for can be looked at: payloads that are kept in files are not at hand. */
function withoutKept(node: CompiledNode, artifacts: readonly ProducedArtifact[]): CompiledNode {
  const kept = new Set(
    artifacts.flatMap(({ name, spilled, payload }) => (spilled && payload === null ? [name] : [])),
  );
  if (kept.size === 0) return node;
  const deliverables = node.deliverables.map((deliverable) =>
    kept.has(deliverable.name) ? { ...deliverable, validate: undefined } : deliverable,
  );
  return { ...node, deliverables };
}

/** What is kept outside of the row is what the attempt put there: an answer cannot say so of anything else. */
function isKnown({ spilled }: ProducedArtifact, before: readonly ProducedArtifact[]): boolean {
  if (spilled === undefined) return true;
  return before.some(
    ({ spilled: kept }) => kept?.digest === spilled.digest && kept.bytes === spilled.bytes,
  );
}

const NO_CHECKS = { expressions: [], judges: [] };

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
  const { output, artifacts, found } = reviewed;
  const unchecked = { ...withoutKept(run.node, artifacts), checks: NO_CHECKS };
  const around = surroundingsOf(model, run);
  const issues = [...completionIssues(unchecked, output ?? null, artifacts, around), ...found];
  return blockingIssues(issues).map((issue) => {
    const isAboutArtifact = /^\/(artifacts|deliverables)\b/.test(issue.path);
    return isAboutArtifact ? issue : { ...issue, path: `/output${issue.path}` };
  });
}

/** The node run has what the reviewer accepted; what its checks say of that are warnings. */
export function acceptReviewed(decider: Decider, run: NodeRun, reviewed: Reviewed): void {
  const { output, artifacts } = reviewed;
  const around = surroundingsOf(decider.model, run);
  const node = withoutKept(run.node, artifacts);
  const warnings = completionIssues(node, output ?? null, artifacts, around);
  keepAnswerIssues(decider, run, warnings);
  storeArtifacts(decider, run, artifacts, 'accepted');
  run.setOutput(output);
  decider.step(run, { type: 'response.accepted', warnings: warnings.length });
}
