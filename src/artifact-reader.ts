/** Reads artifacts as the API shows them, large payloads from where they are kept. */
import { readPayload, readPieces } from './actors/read-payload.js';
import type { ArtifactRecord, RunRecord } from './actors/records.js';
import { RunchartError } from './errors.js';
import type { JsonValue } from './plan/json.js';
import { readCountIfGiven, readLimit, readOptions, readText } from './read-arguments.js';
import { readArtifactVersion } from './read-cursors.js';
import { maskPayload } from './run-secrets.js';
import type { SeenRuns } from './seen-runs.js';
import { type ArtifactVersion, MAX_PAGE_ROWS } from './storage/run-rows.js';
import type { ArtifactView } from './views.js';

export interface ArtifactPage {
  /** The last one of the page before. */
  readonly after?: ArtifactVersion;
  readonly limit?: number;
}

/** An artifact with the run that it belongs to. */
interface FoundArtifact {
  readonly record: RunRecord;
  readonly found: ArtifactRecord;
}

/** Its methods are those of RunReader. */
export class ArtifactReader {
  readonly #seen: SeenRuns;

  constructor(seen: SeenRuns) {
    this.#seen = seen;
  }

  async list(id: string, options: ArtifactPage = {}): Promise<ArtifactView[]> {
    const record = await this.#seen.record(id);
    const { after, limit = MAX_PAGE_ROWS } = readOptions(options);
    const behind = after === undefined ? undefined : readArtifactVersion(after);
    const found = await this.#seen.rows.artifacts(record.run, behind, readLimit(limit));
    return this.#seen.shown(record, found.map(toArtifact), (secrets, views) =>
      views.map((one) => maskPayload(secrets, one)),
    );
  }

  async get(id: string, name: string, version?: number): Promise<ArtifactView> {
    return this.#shown(await this.#find(id, name, version));
  }

  async *text(
    id: string,
    name: string,
    version?: number,
  ): AsyncGenerator<string | Uint8Array, void, undefined> {
    const artifact = await this.#find(id, name, version);
    const { record, found } = artifact;
    const hasSecrets = (await this.#seen.secrets.of(record)) !== undefined;
    if (found.digest !== null && !hasSecrets) {
      return yield* readPieces(this.#seen.payloads, found.digest, record.id);
    }
    const { payload, pointer } = await this.#shown(artifact);
    if (payload !== undefined) return yield JSON.stringify(payload);
    throw new RunchartError('artifact-unknown', `artifact "${name}" has no payload here`, {
      hint: `it is at ${pointer}`,
    });
  }

  /** With its payload, wherever that is kept. Rejects with `artifact-corrupt`. */
  async #shown({ record, found }: FoundArtifact): Promise<ArtifactView> {
    const { digest } = found;
    const payload =
      digest === null ? {} : { payload: await readPayload(this.#seen.payloads, digest, record.id) };
    return this.#seen.shown(record, { ...toArtifact(found), ...payload }, maskPayload);
  }

  async #find(id: string, name: string, version: number | undefined): Promise<FoundArtifact> {
    const record = await this.#seen.record(id);
    readText(name, 'the name of an artifact');
    readCountIfGiven(version, 'the version');
    const found = await this.#seen.rows.artifact(record.run, name, version);
    if (found !== undefined) return { record, found };
    const what = version === undefined ? 'no accepted version' : `no version ${version}`;
    throw new RunchartError('artifact-unknown', `run ${id} has ${what} of artifact "${name}"`, {
      hint: 'list the artifacts of the run to see their names, versions and standing',
    });
  }
}

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
