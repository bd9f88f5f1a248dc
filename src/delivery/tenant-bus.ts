/**
 * The events of a tenant's runs. Invariant: whatever is asked for, nothing of another tenant is given, nor how much
 * others do: positions and turns are the tenant's own.
 */
import { DEFAULT_TENANT, ownId } from '../actors/tenant.js';
import { readOptions, readText } from '../read-arguments.js';
import type {
  BusEvent,
  BusGap,
  BusOptions,
  BusPage,
  BusPageOptions,
  EventBus,
} from './event-bus.js';
import { assertFilter } from './event-filter.js';
import { formatPosition, parsePosition } from './log-position.js';
import type { TenantPositions } from './tenant-positions.js';

/** What everybody may ask of the bus. */
export type BusView = Pick<EventBus, 'position' | 'renewed' | 'events' | 'page'>;

export class TenantBus implements BusView {
  readonly #bus: BusView;
  readonly #tenant: string;
  /** Undefined where positions are those of the installation. */
  readonly #positions: TenantPositions | undefined;

  constructor(bus: BusView, tenant: string, positions: TenantPositions) {
    this.#bus = bus;
    this.#tenant = tenant;
    this.#positions = tenant === DEFAULT_TENANT ? undefined : positions;
  }

  get position(): string {
    return this.#seal(this.#bus.position);
  }

  renewed(position: string): string {
    return this.#seal(this.#open(position), true);
  }

  events(options: BusOptions = {}): AsyncIterableIterator<BusEvent> {
    const { onGap, onPassed } = readOptions(options);
    const events = this.#bus.events({
      ...this.#own(options),
      ...(onGap !== undefined && { onGap: (gap) => onGap(this.#gap(gap)) }),
      ...(onPassed !== undefined && { onPassed: (upTo) => onPassed(this.#seal(upTo)) }),
    });
    return this.#positions === undefined ? events : this.#sealed(events);
  }

  async page(options: BusPageOptions = {}): Promise<BusPage> {
    const { events, position, gap } = await this.#bus.page(this.#own(options));
    return {
      events: events.map((event) => this.#event(event)),
      position: this.#seal(position),
      gap: gap && this.#gap(gap),
    };
  }

  async *#sealed(events: AsyncIterable<BusEvent>): AsyncIterableIterator<BusEvent> {
    for await (const event of events) yield this.#event(event);
  }

  #event(event: BusEvent): BusEvent {
    if (this.#positions === undefined) return event;
    const turn = this.#positions.turn(event.run, event.turn);
    return { ...event, turn, position: this.#seal(event.position) };
  }

  #gap({ from, to }: BusGap): BusGap {
    return { from: this.#seal(from), to: this.#seal(to) };
  }

  #seal(position: string, isAnew = false): string {
    if (this.#positions === undefined) return position;
    return this.#positions.seal(this.#tenant, parsePosition(position), isAnew);
  }

  #open(position: string): string {
    if (this.#positions === undefined) return position;
    return formatPosition(this.#positions.open(this.#tenant, readText(position, 'a position')));
  }

  /** Runs go by their own ids too; those of others are none. */
  #own<T extends BusOptions | BusPageOptions>(options: T): T {
    assertFilter(options);
    const { runs, after } = options;
    return {
      ...options,
      tenant: this.#tenant,
      ...(runs !== undefined && { runs: runs.map((id) => ownId(this.#tenant, id) ?? id) }),
      ...(after !== undefined && { after: this.#open(after) }),
    };
  }
}
