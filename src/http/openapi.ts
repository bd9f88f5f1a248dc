/** The OpenAPI document of an app, made of the declarations of its routes. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { JsonObject } from '../plan/json.js';
import { readVersion } from '../version.js';
import type { RouteEnv } from './route-spec.js';

const DESCRIPTION = `Runs plans and tells of them. Errors are problem details (RFC 9457) with a stable
\`code\`. \`x-role\` is the role that an operation is meant for.`;

const TAGS = {
  health: 'Whether the process is well',
  document: 'This API itself',
  plans: 'What runs are started of',
  runs: 'Starting, reading and steering runs',
  changes: 'What an operator changes about a run',
  history: 'What runs were, and how they come and go',
  artifacts: 'What runs have produced',
  tasks: 'What people are asked',
  schedules: 'Runs that start by themselves',
  access: 'Who may do what, and who asked for what',
  agents: 'What agents use as tools',
};

/** Paths count from where the document lies, so that it holds wherever the app is mounted. */
export function openApiDocument(app: OpenAPIHono<RouteEnv>): JsonObject {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Runchart',
      version: readVersion(),
      description: DESCRIPTION,
      license: { name: 'MIT' },
    },
    servers: [{ url: '.', description: 'Where this document lies' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  });
  return JSON.parse(JSON.stringify(document)) as JsonObject;
}
