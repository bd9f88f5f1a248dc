/** The events of a tenant's runs. Invariant: whatever is asked for, nothing of another tenant is given. */
import { ownId } from '../actors/tenant.js';
import type { BusEvent, BusOptions, BusPage, BusPageOptions, EventBus } from './event-bus.js';

/** What everybody may ask of the bus. */
export type BusView = Pick<EventBus, 'position' | 'events' | 'page'>;

export class TenantBus implements BusView {
  readonly #bus: BusView;
  readonly #tenant: string;

  constructor(bus: BusView, tenant: string) {
    this.#bus = bus;
    this.#tenant = tenant;
  }

  get position(): string {
    return this.#bus.position;
  }

  events(options: BusOptions = {}): AsyncIterableIterator<BusEvent> {
    return this.#bus.events(this.#own(options));
  }

  page(options: BusPageOptions = {}): Promise<BusPage> {
    return this.#bus.page(this.#own(options));
  }

  /** Runs go by their own ids too; those of others are none. */
  #own<T extends BusOptions | BusPageOptions>(options: T): T {
    const runs = options.runs?.map((id) => ownId(this.#tenant, id) ?? id);
    return { ...options, tenant: this.#tenant, ...(runs !== undefined && { runs }) };
  }
}
