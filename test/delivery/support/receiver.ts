/** A receiver of webhooks on simulated time: notes what it accepts, and answers as the test says. */

import type { BusEvent } from '../../../src/delivery/event-bus.js';
import type { SendWebhook, WebhookAnswer, WebhookRequest } from '../../../src/delivery/send.js';

export interface Received {
  readonly message: string;
  readonly url: string;
  readonly event: BusEvent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Behaviour = (received: Received) => WebhookAnswer | Promise<WebhookAnswer>;

export class Receiver {
  /** What was accepted, in order. */
  readonly accepted: Received[] = [];
  /** Every request. */
  readonly asked: Received[] = [];
  behave: Behaviour;

  constructor(behave: Behaviour = () => ({ status: 204 })) {
    this.behave = behave;
  }

  readonly send: SendWebhook = async (request) => {
    const received = read(request);
    this.asked.push(received);
    const answer = await this.behave(received);
    if (answer.status < 300) this.accepted.push(received);
    return answer;
  };

  /** Ids of the events that were accepted, each where it was first. */
  firsts(): string[] {
    return [...new Set(this.accepted.map(({ event }) => event.id))];
  }
}

function read({ url, headers, body }: WebhookRequest): Received {
  const { data } = JSON.parse(body) as { data: BusEvent };
  return { message: headers['webhook-id'] ?? '', url, event: data, headers, body };
}

/** Numbers of the events of each run, in the order of the list. */
export function numbersByRun(ids: readonly string[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const id of ids) {
    const cut = id.lastIndexOf('/');
    const run = id.slice(0, cut);
    numbers.set(run, [...(numbers.get(run) ?? []), Number(id.slice(cut + 1))]);
  }
  return numbers;
}
