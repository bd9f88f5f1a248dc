/** Places in lists as callers without types may give them: each throws `argument-invalid`. */
import { readCount, readOptions, readText } from './read-arguments.js';
import type { ArtifactVersion, AttemptKey } from './storage/run-rows.js';

/** An attempt that ended a page. */
export function readAttemptKey(given: AttemptKey): AttemptKey {
  const { node, generation, attempt } = readOptions(given);
  return {
    node: readText(node, '`after.node`'),
    generation: readCount(generation, '`after.generation`'),
    attempt: readCount(attempt, '`after.attempt`'),
  };
}

/** A version of an artifact that ended a page. */
export function readArtifactVersion(given: ArtifactVersion): ArtifactVersion {
  const { name, version } = readOptions(given);
  return {
    name: readText(name, '`after.name`'),
    version: readCount(version, '`after.version`'),
  };
}
