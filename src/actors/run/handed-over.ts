/** What somebody hands over with an answer: artifacts, as those of an attempt are. Pure. */
import type { Issue } from '../../plan/issue.js';
import type { JsonValue } from '../../plan/json.js';
import type { CompiledNode } from '../../plan/plan-version.js';
import { asObject } from '../../plan/responses.js';
import type { TaskResponseMessage } from '../messages.js';
import type { TaskRecord } from '../records.js';
import { type ProducedArtifact, readArtifacts } from './assess-result.js';
import { peopleOf } from './entitlement.js';

/** Undefined where the list is malformed. */
export function handedOver({
  product,
}: Pick<TaskResponseMessage, 'product'>): readonly ProducedArtifact[] | undefined {
  if (product === null) return [];
  return readArtifacts(asObject(product.value as JsonValue).artifacts, product.spilled);
}

/** Why nothing can be handed over with this answer, or nothing. */
export function refuseArtifacts(
  task: TaskRecord,
  outcome: string,
  artifacts: readonly ProducedArtifact[],
): Issue | undefined {
  if (artifacts.length === 0) return undefined;
  if (task.node === '') return issue('a question about the run takes no artifacts');
  if (task.kind === 'human-check') return issue('a judgement takes no artifacts');
  if (peopleOf(task).quorum !== undefined) return issue('a vote takes no artifacts');
  return outcome === 'edited'
    ? issue('an edit takes no artifacts: send them with the acceptance')
    : undefined;
}

function issue(message: string): Issue {
  return { severity: 'blocking', code: 'schema-mismatch', message, path: '/artifacts' };
}

export const MALFORMED_ARTIFACTS = issue('artifacts is a list of {name, kind, pointer?, payload?}');

/**
 * The node as its answer is checked: who is asked for something has to deliver it; of all others the
 * deliverables are what there is to look at.
 */
export function askedOf(node: CompiledNode, artifacts: readonly ProducedArtifact[]): CompiledNode {
  if (node.kind === 'human-input') return node;
  const names = new Set(artifacts.map(({ name }) => name));
  return { ...node, deliverables: node.deliverables.filter(({ name }) => names.has(name)) };
}
