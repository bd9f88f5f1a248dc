import { taskApi } from '../api/tasks.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** What people are asked, their answers, and what else they do about it. */
export function serveTasks(server: RouteServer, { orchestrator: { tasks } }: HttpScope): void {
  server.serve(taskApi, {
    listTasks: async ({ query }) => ({ tasks: await tasks.list(query) }),
    getTask: ({ params }) => tasks.get(params.id),
    getTaskArtifact: ({ params }) => tasks.artifact(params.id, params.name),
    listResponses: async ({ params }) => ({ responses: await tasks.responses(params.id) }),
    respond: ({ params, body }) => tasks.respond(params.id, body),
    claimTask: ({ params, body }) => tasks.claim(params.id, body),
    releaseTask: ({ params, body }) => tasks.release(params.id, body),
    delegateTask: ({ params, body }) => tasks.delegate(params.id, body),
    assignTask: ({ params, body }) => tasks.assign(params.id, body),
    extendTask: ({ params, body }) => tasks.extend(params.id, body),
  });
}
