import { z } from '@hono/zod-openapi';
import { api, route } from '../route.js';
import { jsonObject } from '../schemas/json.js';

/** What an agent says and hears is JSON-RPC; see docs/mcp.md. */
const message = z.looseObject({}).openapi('McpMessage', {
  description: 'A message of the Model Context Protocol',
});

const SESSION = 'The session: in the answer to `initialize`, and with everything after it';
const talk = {
  path: '/mcp',
  role: 'reader',
  otherRole: 'worker',
  headers: {
    'mcp-session-id': SESSION,
    'mcp-protocol-version': 'The version that was agreed upon with `initialize`',
  },
  answerHeaders: { 'Mcp-Session-Id': SESSION },
  problems: ['session-unknown', 'argument-invalid', 'overloaded', 'too-many-streams'],
} as const;

export const mcpApi = api('agents', {
  tellMcp: route({
    ...talk,
    method: 'post',
    isAudited: true,
    summary: 'takes a message of the Model Context Protocol, and answers; see [agents](mcp.md)',
    body: jsonObject,
    answer: message,
    statuses: { 200: 'The answer', 202: 'The message needs no answer' },
    example: { jsonrpc: '2.0', id: 1, method: 'ping' },
  }),
  hearMcp: route({
    ...talk,
    method: 'get',
    summary: 'a stream of what the server says of itself in a session',
    answerTypes: ['text/event-stream'],
  }),
  endMcp: route({
    ...talk,
    method: 'delete',
    summary: 'ends a session',
    statuses: { 204: 'The session has ended' },
  }),
});
