/** Puts the delivery of webhooks together. */
import { DEFAULT_TENANT } from '../actors/tenant.js';
import { type AddressOptions, AddressPolicy } from './address-policy.js';
import { DeliveryService, type DeliveryServiceParts } from './delivery-service.js';
import { type DeliveryLimits, readLimits } from './limits.js';
import { Sender, type SendWebhook } from './send.js';
import { Webhooks } from './webhooks.js';

/** Where webhooks may be sent, and how often they are tried. */
export interface WebhookOptions extends AddressOptions, Partial<DeliveryLimits> {}

export interface DeliveryParts
  extends Omit<DeliveryServiceParts, 'send' | 'limits' | 'closeSender'> {
  readonly webhooks?: WebhookOptions;
  /** Over HTTP unless given. */
  readonly sendWebhook?: SendWebhook;
}

/** Throws `argument-invalid` where the options are wrong. */
export function newDelivery(parts: DeliveryParts): {
  readonly service: DeliveryService;
  readonly webhooks: Webhooks;
} {
  const { webhooks: options = {}, environment } = parts;
  const limits = readLimits(options);
  const policyOf = reachOf(options);
  // One for each policy: a connection that one of them let through is never used under the other.
  const senders = new Map<AddressPolicy, Sender>();
  const sendAllowed: SendWebhook = (request) => {
    const policy = policyOf(request.tenant);
    const sender = senders.get(policy) ?? new Sender({ policy });
    senders.set(policy, sender);
    return sender.send(request);
  };
  const service = new DeliveryService({
    ...parts,
    limits,
    send: parts.sendWebhook ?? sendAllowed,
    closeSender: () => {
      for (const sender of senders.values()) sender.close();
    },
  });
  return { service, webhooks: new Webhooks(service, policyOf, environment) };
}

/** What webhooks of a tenant may reach. */
function reachOf(options: AddressOptions): (tenant: string) => AddressPolicy {
  const own = new AddressPolicy(options);
  const others = options.allowTenants === true ? own : new AddressPolicy();
  return (tenant) => (tenant === DEFAULT_TENANT ? own : others);
}
