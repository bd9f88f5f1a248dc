/** Puts the delivery of webhooks together. */
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
  const policy = new AddressPolicy(options);
  const sender = new Sender({ policy });
  const service = new DeliveryService({
    ...parts,
    limits,
    send: parts.sendWebhook ?? sender.send,
    closeSender: () => sender.close(),
  });
  return { service, webhooks: new Webhooks(service, policy, environment) };
}
