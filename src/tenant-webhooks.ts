/**
 * The webhooks of one tenant. Invariant: an id goes to the engine as one of this tenant or not at all; what names
 * another tenant's is answered as what is not there.
 */
import { ownId, tenantOf } from './actors/tenant.js';
import type { DeadLetters } from './delivery/dead-letters.js';
import type { NewWebhook } from './delivery/draft.js';
import { unknownWebhook } from './delivery/webhook.js';
import type { Webhooks } from './delivery/webhooks.js';

/** What can be asked of dead letters. */
type DeadLettersView = Pick<DeadLetters, keyof DeadLetters>;

/** What can be asked of webhooks: of all of them, or of those of one tenant. */
export interface WebhooksView
  extends Omit<Pick<Webhooks, keyof Webhooks>, 'addOf' | 'drain' | 'deadLetters'> {
  /** Deliveries that failed for good. */
  readonly deadLetters: DeadLettersView;
}

/** Each method as of Webhooks. */
export class TenantWebhooks implements WebhooksView {
  readonly deadLetters: DeadLettersView;
  readonly #all: Webhooks;
  readonly #tenant: string;

  constructor(all: Webhooks, tenant: string) {
    this.#all = all;
    this.#tenant = tenant;
    const { deadLetters } = all;
    this.deadLetters = {
      list: async (webhook, page) => deadLetters.list(this.#own(webhook), page),
      get: async (webhook, message) => deadLetters.get(this.#own(webhook), message),
      redeliver: async (webhook, message) => deadLetters.redeliver(this.#own(webhook), message),
      discard: async (webhook, message) => deadLetters.discard(this.#own(webhook), message),
    };
  }

  add(options: NewWebhook) {
    return this.#all.addOf(this.#tenant, options);
  }

  async list() {
    return (await this.#all.list()).filter(({ id }) => tenantOf(id) === this.#tenant);
  }

  async get(id: string) {
    return this.#all.get(this.#own(id));
  }

  async update(id: string, changes: Parameters<Webhooks['update']>[1]) {
    return this.#all.update(this.#own(id), changes);
  }

  async rotate(id: string, options?: Parameters<Webhooks['rotate']>[1]) {
    return this.#all.rotate(this.#own(id), options);
  }

  async test(id: string) {
    return this.#all.test(this.#own(id));
  }

  async remove(id: string) {
    const own = ownId(this.#tenant, id);
    return own === undefined ? false : this.#all.remove(own);
  }

  /** The full id. Throws `webhook-unknown` where it names another tenant's. */
  #own(id: string): string {
    const own = ownId(this.#tenant, id);
    if (own !== undefined) return own;
    throw unknownWebhook(id);
  }
}
