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
    respond: ({ params, body, keyed }) => tasks.respond(params.id, { ...body, ...keyed }),
    claimTask: ({ params, body, keyed }) => tasks.claim(params.id, { ...body, ...keyed }),
    releaseTask: ({ params, body, keyed }) => tasks.release(params.id, { ...body, ...keyed }),
    delegateTask: ({ params, body, keyed }) => tasks.delegate(params.id, { ...body, ...keyed }),
    assignTask: ({ params, body, keyed }) => tasks.assign(params.id, { ...body, ...keyed }),
    extendTask: ({ params, body, keyed }) => tasks.extend(params.id, { ...body, ...keyed }),
  });
}
