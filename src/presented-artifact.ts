/** An artifact that a task shows: of what is judged, or was refused, and is no accepted artifact of the run. */
import type { ArtifactStore } from './actors/ports.js';
import { readPayload } from './actors/read-payload.js';
import { RunchartError } from './errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from './plan/json.js';
import type { TaskView } from './views.js';

/** An artifact that a task shows, with its payload. */
export interface PresentedArtifact {
  readonly name: string;
  readonly kind: string;
  readonly pointer: string | null;
  /** Absent where the artifact is a pointer alone. */
  readonly payload?: JsonValue;
}

/** With its payload, wherever that is kept. Rejects with `artifact-unknown`, `artifact-corrupt`. */
export async function readPresented(
  { id, run, presented }: Pick<TaskView, 'id' | 'run' | 'presented'>,
  name: string,
  store: Pick<ArtifactStore, 'get'>,
): Promise<PresentedArtifact> {
  const { artifacts } = presented;
  const all: readonly JsonValue[] = Array.isArray(artifacts) ? artifacts : [];
  const found = all.filter(isJsonObject).find((artifact) => artifact.name === name);
  if (found === undefined) {
    throw new RunchartError('artifact-unknown', `task ${id} shows no artifact "${name}"`, {
      hint: 'look at what the task presents to see their names',
    });
  }
  const { kind, pointer = null } = found as JsonObject & Record<'kind' | 'pointer', string>;
  const payload =
    typeof found.digest === 'string' ? await readPayload(store, found.digest, run) : found.payload;
  return { name, kind, pointer, ...(payload !== undefined && { payload }) };
}
