import { z } from '@hono/zod-openapi';
import { api, route } from '../route.js';
import { artifact } from '../schemas/artifacts.js';
import { listOf } from '../schemas/json.js';
import { limit, number } from './parts.js';

/** `NAME/VERSION`: a name may have slashes of its own. */
const version = z
  .string()
  .regex(/^.*\/\d{1,15}$/s, 'Expected NAME/VERSION')
  .transform((text) => {
    const end = text.lastIndexOf('/');
    return { name: text.slice(0, end), version: Number(text.slice(end + 1)) };
  })
  .openapi({ type: 'string' });

export const artifactApi = api('artifacts', {
  listArtifacts: route({
    method: 'get',
    path: '/runs/{id}/artifacts',
    role: 'reader',
    summary:
      'every version of every artifact, rejected ones too; large payloads are left out. `after` is NAME/VERSION',
    query: z.object({ after: version.optional(), limit: limit(1_000) }),
    answer: listOf('artifacts', artifact),
    problems: ['run-unknown'],
  }),
  getArtifact: route({
    method: 'get',
    path: '/runs/{id}/artifacts/{name}',
    role: 'reader',
    summary: 'an artifact with its payload: the `version`, or the newest accepted one',
    query: z.object({ version: number(1, undefined) }),
    answer: artifact,
    problems: ['run-unknown', 'artifact-unknown', 'artifact-corrupt'],
  }),
  getArtifactPayload: route({
    method: 'get',
    path: '/runs/{id}/artifacts/{name}/payload',
    role: 'reader',
    summary:
      'the payload alone, as JSON, in pieces: it breaks off where it turns out to be damaged',
    query: z.object({ version: number(1, undefined) }),
    answerTypes: ['application/json'],
    problems: ['run-unknown', 'artifact-unknown', 'artifact-corrupt', 'too-many-streams'],
  }),
});
