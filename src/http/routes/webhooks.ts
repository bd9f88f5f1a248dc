import { RunchartError } from '../../errors.js';
import { webhookApi } from '../api/webhooks.js';
import { made } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** Webhooks: add, list, read, change, rotate the secret, test, remove; and their dead letters. */
export function serveWebhooks(server: RouteServer, { orchestrator }: HttpScope): void {
  const { webhooks } = orchestrator;
  server.serve(webhookApi, {
    async addWebhook({ body }) {
      const webhook = await webhooks.add(body);
      return made(webhook, true, `/webhooks/${encodeURIComponent(webhook.id)}`);
    },
    listWebhooks: async () => ({ webhooks: await webhooks.list() }),
    getWebhook: ({ params }) => webhooks.get(params.id),
    updateWebhook: ({ params, body }) => webhooks.update(params.id, body),
    rotateWebhook: ({ params, body }) => webhooks.rotate(params.id, body),
    testWebhook: ({ params }) => webhooks.test(params.id),
    async removeWebhook({ params: { id } }) {
      if (await webhooks.remove(id)) return { webhook: id, removed: true as const };
      throw new RunchartError('webhook-unknown', `there is no webhook "${id}"`);
    },
    listDeadLetters: async ({ params, query }) => ({
      deadLetters: await webhooks.deadLetters.list(params.id, query),
    }),
    getDeadLetter: ({ params }) => webhooks.deadLetters.get(params.id, params.message),
    redeliverDeadLetter: ({ params }) => webhooks.deadLetters.redeliver(params.id, params.message),
    async discardDeadLetter({ params: { id: webhook, message } }) {
      await webhooks.deadLetters.discard(webhook, message);
      return { webhook, message, discarded: true as const };
    },
  });
}
