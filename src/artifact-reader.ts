/** Reads artifacts as the API shows them, large payloads from where they are kept. */
import type { ArtifactStore } from './actors/ports.js';
import { readPayload } from './actors/read-payload.js';
import type { ArtifactRecord } from './actors/records.js';
import type { JsonValue } from './plan/json.js';
import type { ArtifactView } from './views.js';

/** An artifact as its row has it: a payload that is kept in a file is not read. */
export function toArtifact(record: ArtifactRecord): ArtifactView {
  const { name, version, kind, node, generation, attempt, standing, at } = record;
  const { pointer, payloadJson, schemaJson, digest, bytes } = record;
  return {
    name,
    version,
    kind,
    standing,
    node,
    generation,
    attempt,
    pointer,
    at,
    ...(payloadJson !== null && { payload: JSON.parse(payloadJson) as JsonValue }),
    ...(schemaJson !== null && { schema: JSON.parse(schemaJson) as JsonValue }),
    ...(digest !== null && { digest }),
    ...(bytes !== null && { bytes }),
  };
}

/** An artifact with its payload, wherever that is kept; `run` is the id of its run. Rejects with `artifact-corrupt`. */
export async function readArtifact(
  record: ArtifactRecord,
  store: Pick<ArtifactStore, 'get'>,
  run: string,
): Promise<ArtifactView> {
  const view = toArtifact(record);
  const { digest } = record;
  if (digest === null) return view;
  return { ...view, payload: await readPayload(store, digest, run) };
}
