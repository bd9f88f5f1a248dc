/**
 * Whether what a node gives is what its author asked for: output schema, deliverables, the checks that
 * are expressions, and what the handler of a check says. Pure: the same values give the same issues.
 */

import type { FailureClass } from '../../machines/node-run-events.js';
import type { Issue } from '../../plan/issue.js';
import { blockingIssues } from '../../plan/issue.js';
import type { JsonObject, JsonValue } from '../../plan/json.js';
import type {
  CheckScope,
  CompiledNode,
  Deliverable,
  EdgeScope,
  ExpressionCheck,
} from '../../plan/plan-version.js';

/** An artifact as it is assessed: with its payload, wherever that is kept. */
export interface AssessedArtifact {
  readonly name: string;
  readonly kind: string;
  readonly pointer: string | null;
  readonly payload: JsonValue | undefined;
}

/** What checks see beside what the node gives. */
export interface Surroundings {
  readonly scope: EdgeScope;
  /** Of the node run: id, kind, generation, attempt. */
  readonly about: JsonObject;
}

/** Class of the failure that a blocking issue with this code makes; `schema` where none is named. */
const CLASSES: Readonly<Record<string, FailureClass>> = {
  'deliverable-missing': 'deliverable',
  'artifact-schema-mismatch': 'deliverable',
  'check-unfulfilled': 'check',
  'check-errored': 'check',
};

/** Class of the failure that an issue makes. */
export function failureClassOf({ code }: Issue): FailureClass {
  return CLASSES[code] ?? 'schema';
}

/**
 * All issues of an output, or of a person's response, and its artifacts; checks are asked only where nothing
 * else blocks.
 */
export function completionIssues(
  node: CompiledNode,
  output: JsonValue | undefined,
  artifacts: readonly AssessedArtifact[],
  surroundings: Surroundings,
): readonly Issue[] {
  const issues = [
    ...(node.validateOutput?.(output) ?? []),
    ...missingDeliverables(node.deliverables, artifacts),
    ...artifacts.flatMap((artifact, index) => payloadIssues(node.deliverables, artifact, index)),
  ];
  if (node.checks.expressions.length === 0 || blockingIssues(issues).length > 0) return issues;
  const scope = {
    ...surroundings.scope,
    output,
    artifacts: byName(artifacts),
    about: surroundings.about,
  };
  return [
    ...issues,
    ...node.checks.expressions.flatMap((check) => checkIssues(node, check, scope)),
  ];
}

/** Issues for required deliverables that are missing, or were delivered as another kind. */
export function missingDeliverables(
  deliverables: readonly Deliverable[],
  artifacts: readonly { readonly name: string; readonly kind: string }[],
): readonly Issue[] {
  return deliverables.flatMap(({ name, kind, required }, index): Issue[] => {
    const found = artifacts.filter((artifact) => artifact.name === name);
    // What follows sees the newest of the name: each has to be what was asked for.
    const other = found.find((artifact) => artifact.kind !== kind);
    if (other === undefined && (found.length > 0 || !required)) return [];
    const message =
      other === undefined
        ? `deliverable "${name}" (${kind}) is missing`
        : `deliverable "${name}" must be of kind ${kind}, not ${other.kind}`;
    return [
      {
        severity: 'blocking',
        code: 'deliverable-missing',
        message,
        path: `/deliverables/${index}`,
        hint: 'return it in the artifacts of the result',
      },
    ];
  });
}

/** Where the payload does not fit the schema of its deliverable. */
function payloadIssues(
  deliverables: readonly Deliverable[],
  { name, payload }: AssessedArtifact,
  index: number,
): readonly Issue[] {
  const deliverable = deliverables.find((candidate) => candidate.name === name);
  const issues = deliverable?.validate?.(payload) ?? [];
  return issues.map((issue) => ({
    ...issue,
    code: 'artifact-schema-mismatch',
    path: `/artifacts/${index}/payload${issue.path}`,
  }));
}

function checkIssues(node: CompiledNode, check: ExpressionCheck, scope: CheckScope): Issue[] {
  const evaluation = check.condition.evaluate(scope);
  if (!evaluation.ok)
    return [checkErrored(node, check, `${evaluation.code}: ${evaluation.message}`)];
  return evaluation.value ? [] : [checkUnfulfilled(node, check)];
}

interface AnyCheck {
  readonly name: string;
  readonly severity: Issue['severity'];
  readonly message: string;
}

/** A check that could be asked, and does not hold. */
export function checkUnfulfilled(
  { id }: CompiledNode,
  { name, severity, message }: AnyCheck,
  detail: JsonObject = {},
): Issue {
  const about = { check: name, ...detail };
  return { severity, code: 'check-unfulfilled', message, path: '', node: id, detail: about };
}

/** A check that could not be asked; it weighs as much as one that does not hold. */
export function checkErrored(
  { id }: CompiledNode,
  { name, severity }: AnyCheck,
  why: string,
): Issue {
  const message = `the check "${name}" could not be decided: ${why}`;
  return { severity, code: 'check-errored', message, path: '', node: id, detail: { check: name } };
}

/** A check that was not asked, since the node run was told to stop. */
export function checkSkipped({ id }: CompiledNode, { name }: AnyCheck): Issue {
  const message = `the check "${name}" was not asked: the node was told to stop`;
  const detail = { check: name };
  return { severity: 'warning', code: 'check-skipped', message, path: '', node: id, detail };
}

/** As expressions and handlers see artifacts. */
export function byName(artifacts: readonly AssessedArtifact[]): JsonObject {
  const named = Object.create(null) as JsonObject;
  for (const { name, kind, pointer, payload } of artifacts) {
    named[name] = { name, kind, pointer, payload: payload ?? null };
  }
  return named;
}
