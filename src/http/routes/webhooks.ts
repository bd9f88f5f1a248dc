import { unknownWebhook } from '../../delivery/webhook.js';
import { webhookApi } from '../api/webhooks.js';
import { made } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** Webhooks: add, list, read, change, rotate the secret, test, remove; and their dead letters. */
export function serveWebhooks(server: RouteServer, scope: HttpScope): void {
  const all = () => scope.orchestrator.webhooks;
  server.serve(webhookApi, {
    async addWebhook({ body }) {
      const webhook = await all().add(body);
      return made(webhook, true, `/webhooks/${encodeURIComponent(webhook.id)}`);
    },
    listWebhooks: async () => ({ webhooks: await all().list() }),
    getWebhook: ({ params }) => all().get(params.id),
    updateWebhook: ({ params, body }) => all().update(params.id, body),
    rotateWebhook: ({ params, body }) => all().rotate(params.id, body),
    testWebhook: ({ params }) => all().test(params.id),
    async removeWebhook({ params: { id } }) {
      if (await all().remove(id)) return { webhook: id, removed: true as const };
      throw unknownWebhook(id);
    },
    listDeadLetters: async ({ params, query }) => ({
      deadLetters: await all().deadLetters.list(params.id, query),
    }),
    getDeadLetter: ({ params }) => all().deadLetters.get(params.id, params.message),
    redeliverDeadLetter: ({ params }) => all().deadLetters.redeliver(params.id, params.message),
    async discardDeadLetter({ params: { id: webhook, message } }) {
      await all().deadLetters.discard(webhook, message);
      return { webhook, message, discarded: true as const };
    },
  });
}
