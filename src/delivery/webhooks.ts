/** Webhooks as the users of an orchestrator see them: who is told of events over HTTP. */
import type { Environment } from '../actors/environment.js';
import { DEFAULT_TENANT, qualifyId, tenantOf } from '../actors/tenant.js';
import { RunchartError } from '../errors.js';
import { readOptions } from '../read-arguments.js';
import type { AddressPolicy } from './address-policy.js';
import type { Channel } from './channel.js';
import { DeadLetters } from './dead-letters.js';
import { type Delivered, toDelivered } from './delivered.js';
import type { DeliveryService } from './delivery-service.js';
import { assertDraft, filterFrom, type NewWebhook, type WebhookChanges } from './draft.js';
import { newSecret, rotate } from './secrets.js';
import { secretsOf, toWebhook, type Webhook, type WebhookWithSecret } from './webhook.js';

/** How a secret is replaced. */
export interface RotateOptions {
  /** The new secret; made here unless given. */
  readonly secret?: string | undefined;
  /** How long messages are signed with the old one too, in milliseconds; a day unless given. */
  readonly overlapMs?: number | undefined;
}

const DAY_MS = 86_400_000;
const MAX_OVERLAP_MS = 30 * DAY_MS;

/** Webhooks: add, list, change, rotate, test, remove. */
export class Webhooks {
  /** Deliveries that failed for good. */
  readonly deadLetters: DeadLetters;
  readonly #service: DeliveryService;
  readonly #policyOf: (tenant: string) => AddressPolicy;
  readonly #environment: Environment;

  constructor(
    service: DeliveryService,
    policyOf: (tenant: string) => AddressPolicy,
    environment: Environment,
  ) {
    this.#service = service;
    this.#policyOf = policyOf;
    this.#environment = environment;
    this.deadLetters = new DeadLetters(service);
  }

  /**
   * Stores a webhook, which gets the events that become durable from now on. The answer is the only one that
   * has its secret. Rejects with `webhook-invalid` (all issues), `webhook-conflict`, `overloaded`.
   */
  add(options: NewWebhook): Promise<WebhookWithSecret> {
    return this.addOf(DEFAULT_TENANT, options);
  }

  /** As `add`, for a tenant, which its id then names; it gets events of the tenant's runs alone. Rejects as `add` does. */
  async addOf(tenant: string, options: NewWebhook): Promise<WebhookWithSecret> {
    assertDraft(options, this.#policyOf(tenant));
    const {
      id: local = this.#environment.id(),
      url,
      description = '',
      secret = newSecret(),
    } = options;
    const now = this.#environment.clock.now();
    const draft = {
      id: qualifyId(tenant, local),
      url: new URL(url).href,
      description,
      filterJson: JSON.stringify(filterFrom(options)),
      secretsJson: JSON.stringify([{ secret, until: null }]),
      disabledJson: null,
      failingSince: null,
      missedAt: null,
      createdAt: now,
      updatedAt: now,
    };
    const channel = await this.#service.add(draft);
    return { ...viewOf(channel), secret };
  }

  /** By id, those of all tenants; each has a hundred at most. */
  async list(): Promise<Webhook[]> {
    return (await this.#service.channels()).map(viewOf);
  }

  /** Rejects with `webhook-unknown`. */
  async get(id: string): Promise<Webhook> {
    return viewOf(await this.#service.channel(id));
  }

  /**
   * Changes what is given, and keeps the rest; what was enabled again goes on from where it stopped. Rejects
   * with `webhook-unknown`, `webhook-invalid`.
   */
  async update(id: string, changes: WebhookChanges): Promise<Webhook> {
    const channel = await this.#service.channel(id);
    const { url, description, types, plan, metadata } = viewOf(channel);
    const draft = { url, description, types, plan, metadata, ...definedOf(readOptions(changes)) };
    assertDraft(draft, this.#policyOf(tenantOf(id)));
    await this.#service.change(channel, {
      url: new URL(draft.url).href,
      description: draft.description,
      filterJson: JSON.stringify(filterFrom(draft)),
      ...this.#disabling(channel, changes.disabled),
    });
    return viewOf(channel);
  }

  /** Resolves false where there was none. Its dead letters go with it. */
  remove(id: string): Promise<boolean> {
    return this.#service.remove(id);
  }

  /**
   * Gives it another secret; for a while messages have a signature of both. The answer is the only one that
   * has it. Rejects with `webhook-unknown`, `webhook-invalid`, `argument-invalid`.
   */
  async rotate(id: string, options: RotateOptions = {}): Promise<WebhookWithSecret> {
    const channel = await this.#service.channel(id);
    const { secret = newSecret(), overlapMs = DAY_MS } = readOptions(options);
    assertDraft({ url: channel.record.url, secret }, this.#policyOf(tenantOf(id)));
    if (!Number.isSafeInteger(overlapMs) || overlapMs < 0 || overlapMs > MAX_OVERLAP_MS) {
      const message = `overlapMs is a whole number from 0 to ${MAX_OVERLAP_MS}`;
      throw new RunchartError('argument-invalid', message);
    }
    const until = this.#environment.clock.now() + overlapMs;
    const secrets = rotate(secretsOf(channel.record), secret, until);
    await this.#service.change(channel, { secretsJson: JSON.stringify(secrets) });
    return { ...viewOf(channel), secret };
  }

  /** Sends a `webhook.test` message, once, also to one that is disabled. Rejects with `webhook-unknown`. */
  async test(id: string): Promise<Delivered> {
    const { record } = await this.#service.channel(id);
    const timestamp = new Date(this.#environment.clock.now()).toISOString();
    const body = JSON.stringify({ type: 'webhook.test', timestamp, data: { webhook: id } });
    const message = { id: `evt_test_${this.#environment.id()}`, body };
    return toDelivered(await this.#service.deliver(record, message));
  }

  /** Resolves when everything that is durable by now was accepted or given up, but for disabled webhooks. */
  drain(): Promise<void> {
    return this.#service.drain();
  }

  #disabling({ isDisabled }: Channel, wanted: boolean | undefined) {
    if (wanted === undefined || wanted === isDisabled) return {};
    const at = this.#environment.clock.now();
    const disabled = { code: 'by-request', message: 'it was disabled by request', at };
    return { disabledJson: wanted ? JSON.stringify(disabled) : null, failingSince: null };
  }
}

function viewOf({ record, state }: Channel): Webhook {
  return toWebhook(record, state);
}

/** What is given; a member that is undefined is not. */
function definedOf(changes: WebhookChanges): {
  [K in keyof WebhookChanges]?: NonNullable<WebhookChanges[K]>;
} {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}
