/** Keys under `runchart.` are for the server and the command line: they name modules to load. */
import { RunchartError } from './errors.js';
import type { JsonObject } from './plan/json.js';

const RESERVED = 'runchart.';

/** A key that no client may give; undefined where there is none. */
export function reservedKeyIn(metadata: JsonObject): string | undefined {
  return Object.keys(metadata).find((key) => key.startsWith(RESERVED));
}

/** Metadata as a client gives them. Throws `argument-invalid`. */
export function ownMetadata(metadata: JsonObject = {}): JsonObject {
  const reserved = reservedKeyIn(metadata);
  if (reserved === undefined) return metadata;
  throw new RunchartError('argument-invalid', `the key ${reserved} of the metadata is reserved`);
}
