/** Keys under `runchart.` are for the server and the command line: they name modules to load. */
import { RunchartError } from './errors.js';
import type { JsonObject } from './plan/json.js';

const RESERVED = 'runchart.';

/** What a client may have given of metadata, and what not. */
export function partedMetadata(metadata: JsonObject = {}): {
  readonly own: JsonObject;
  readonly reserved: JsonObject;
} {
  const entries = Object.entries(metadata);
  const isReserved = ([key]: readonly [string, unknown]) => key.startsWith(RESERVED);
  return {
    own: Object.fromEntries(entries.filter((entry) => !isReserved(entry))),
    reserved: Object.fromEntries(entries.filter(isReserved)),
  };
}

/** Metadata as a client gives them. Throws `argument-invalid`. */
export function ownMetadata(metadata?: JsonObject): JsonObject {
  const { own, reserved } = partedMetadata(metadata);
  const [key] = Object.keys(reserved);
  if (key === undefined) return own;
  throw new RunchartError('argument-invalid', `the key ${key} of the metadata is reserved`);
}
