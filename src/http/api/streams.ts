import { z } from '@hono/zod-openapi';
import { api, route } from '../route.js';
import { jsonValue, listOf } from '../schemas/json.js';
import { streamItem } from '../schemas/streams.js';
import { nodePath } from './parts.js';
import { TOKEN, token, told } from './work.js';

export const streamApi = api('streams', {
  streamRun: route({
    method: 'get',
    path: '/runs/{id}/stream',
    role: 'reader',
    summary:
      'what handlers at work stream, of one node run or of all; see [streams](streams.md). A stream if asked for',
    query: z.object({ node: nodePath.optional() }),
    answer: listOf('items', streamItem),
    answerTypes: ['text/event-stream'],
    statuses: { 200: 'What is kept now, or a stream', 204: 'The run of a stream has ended' },
    problems: ['run-unknown', 'overloaded', 'too-many-streams'],
  }),
  streamWork: route({
    ...told,
    path: '/work/stream',
    summary: 'shows output of work to those who watch; `number` is that of the first chunk',
    isEphemeral: true,
    isIdempotent: true,
    body: z.strictObject({
      token,
      number: z.int().min(1),
      chunks: z.array(jsonValue).min(1).max(256),
    }),
    statuses: { 204: 'It was taken' },
    problems: [...told.problems, 'chunk-too-large'],
    example: { token: TOKEN, number: 1, chunks: ['bon', 'jour'] },
  }),
});
