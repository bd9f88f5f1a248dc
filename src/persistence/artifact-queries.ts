/** Versions of artifacts, and which stored payloads are named by rows. */
import { and, asc, desc, eq } from 'drizzle-orm';
import { type ArtifactRows, MAX_PAGE_ROWS } from '../storage/run-rows.js';
import { namedPayloads } from './named-payloads.js';
import type { Reader } from './reader.js';
import { ARTIFACT } from './rows.js';
import * as tables from './schema.js';
import { later, select } from './selection.js';

export function artifactRows(reader: Reader): ArtifactRows {
  return {
    async artifact(run, name, version) {
      const { artifacts } = tables;
      const which =
        version === undefined ? eq(artifacts.standing, 'accepted') : eq(artifacts.version, version);
      const [found] = await select(reader, {
        table: artifacts,
        codec: ARTIFACT,
        where: and(eq(artifacts.run, run), eq(artifacts.name, name), which),
        order: [desc(artifacts.version)],
        limit: 1,
      });
      return found;
    },
    artifacts(run, after, limit = MAX_PAGE_ROWS) {
      const { artifacts } = tables;
      return select(reader, {
        table: artifacts,
        codec: ARTIFACT,
        where: and(
          eq(artifacts.run, run),
          later([artifacts.name, artifacts.version], after && [after.name, after.version]),
        ),
        order: [asc(artifacts.name), asc(artifacts.version)],
        limit,
      });
    },
    namedPayloads(digests) {
      return namedPayloads(reader, digests);
    },
  };
}
