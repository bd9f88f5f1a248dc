/**
 * Artifacts as rows. Invariants: each has the next version of its name, whoever made it and however it
 * stands; those of attempts that failed are kept as rejected, and nothing downstream sees them.
 */
import type { ArtifactRecord } from '../records.js';
import type { ProducedArtifact } from './assess-result.js';
import type { Decider } from './decider.js';
import type { NodeRun } from './scope.js';

/** Stores what an attempt produced, or a reviewer accepted, in the order in which it was handed over. */
export function storeArtifacts(
  { model, turn }: Pick<Decider, 'model' | 'turn'>,
  run: NodeRun,
  artifacts: readonly ProducedArtifact[],
  standing: ArtifactRecord['standing'],
): void {
  for (const artifact of artifacts) {
    const version = (model.artifactVersions.get(artifact.name) ?? 0) + 1;
    const record = {
      run: model.record.run,
      version,
      node: run.path,
      attempt: run.attempt,
      at: turn.at,
      generation: run.generation,
      standing,
      ...contentOf(run, artifact),
    };
    model.artifactVersions.set(artifact.name, version);
    model.keepArtifact(record);
    turn.addArtifact(record);
    const { name, kind } = artifact;
    turn.event('artifact.stored', run.path, run.attempt || null, {
      name,
      kind,
      version,
      standing: standing === 'rejected' ? standing : undefined,
      generation: run.generation > 1 ? run.generation : undefined,
    });
  }
}

function contentOf({ node }: NodeRun, { name, kind, pointer, payload, spilled }: ProducedArtifact) {
  const schema = node.deliverables.find((deliverable) => deliverable.name === name)?.schema;
  const isInRow = payload !== undefined && spilled === undefined;
  return {
    name,
    kind,
    pointer,
    payloadJson: isInRow ? JSON.stringify(payload) : null,
    schemaJson: schema === undefined ? null : JSON.stringify(schema),
    digest: spilled?.digest ?? null,
    bytes: spilled?.bytes ?? null,
  };
}
