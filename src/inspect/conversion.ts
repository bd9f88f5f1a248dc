/**
 * Makes inspection events of what is stored. Invariants: an actor is told of before anything of it is; what the
 * filter leaves out is never converted; values go out masked only; what is remembered are the actors that are at
 * work, and a bounded number of those that are final.
 */
import type { ActorVersionRecord, EventRecord } from '../actors/records.js';
import { NODE_RUN_MACHINE } from '../machines/node-run-machine.js';
import { RUN_MACHINE } from '../machines/run-machine.js';
import type { JsonObject } from '../plan/json.js';
import { definitionOf, initialSnapshot, type MachineId } from './definitions.js';
import {
  type InspectedActor,
  type InspectedFact,
  type InspectedSnapshot,
  type InspectionEvent,
  OVERFLOW,
  PROTOCOL_VERSION,
} from './inspection-event.js';
import type { TurnPage } from './turn-pages.js';

/** What might be told, before it is converted. */
export interface InspectionCandidate {
  readonly kind: 'actor' | 'event' | 'snapshot';
  /** Path of the node run; empty for the run. */
  readonly actor: string;
  /** Number of the event of the log. */
  readonly seq: number;
  /** Its type, where it is an event. */
  readonly type?: string;
}

/** Where a value stands that is to be masked. */
export interface MaskedPlace {
  /** Path of the node run; empty for the run. */
  readonly actor: string;
  /** The context of a snapshot, or the detail of an event of the log. */
  readonly of: 'context' | 'event';
}

/** Gives a value as others may see it. */
export type Mask = (value: JsonObject, place: MaskedPlace) => JsonObject;

/** What is told, and how much of it is shown. */
export interface ConversionOptions {
  /** Gives contexts and details as the reader may see them. */
  readonly mask?: Mask;
  /** Whether to tell it; asked before anything is converted. */
  readonly filter?: (candidate: InspectionCandidate) => boolean;
  /** With which actors the definition of their machine comes: the first one of each machine, unless `each`. */
  readonly definitions?: 'once' | 'each';
}

/** Final actors that are remembered, so that what is said of them later does not introduce them again. */
const MAX_FINAL_KNOWN = 1_000;

export class Conversion {
  mask: Mask | undefined;
  readonly #run: string;
  readonly #options: ConversionOptions;
  readonly #live = new Set<string>();
  readonly #final = new Set<string>();
  readonly #defined = new Set<MachineId>();

  constructor(run: string, options: ConversionOptions) {
    this.#run = run;
    this.#options = options;
    this.mask = options.mask;
  }

  /** Actors that are remembered. */
  get size(): number {
    return this.#live.size + this.#final.size;
  }

  knows(actor: string): boolean {
    return this.#live.has(actor) || this.#final.has(actor);
  }

  /** Forgets all actors: they are described anew. */
  forget(): void {
    this.#live.clear();
    this.#final.clear();
  }

  /** An actor as it stands; one that has no snapshot yet as it begins. Nothing where the filter leaves it out. */
  *actor(
    actor: string,
    { version, seq, at }: { version: ActorVersionRecord | undefined; seq: number; at: number },
  ): Generator<InspectedActor> {
    const machine = actor === '' ? RUN_MACHINE.id : NODE_RUN_MACHINE.id;
    const snapshot = version === undefined ? initialSnapshot(machine) : parseSnapshot(version);
    this.#remember(actor, snapshot);
    if (!this.#wants({ kind: 'actor', actor, seq })) return;
    yield {
      type: '@xstate.actor',
      ...this.#base(actor, `${seq}/actor`, at),
      name: actor === '' ? this.#run : actor,
      parentId: actor === '' ? undefined : this.#run,
      definition: this.#definition(machine),
      machine,
      snapshot: this.#masked(actor, snapshot),
    };
  }

  /** What a page of turns says, in order; `before` has the last snapshots of actors that are not known. */
  *page(
    page: TurnPage,
    before: ReadonlyMap<string, ActorVersionRecord>,
  ): Generator<InspectionEvent> {
    const newest = new Map<string, EventRecord>();
    let next = 0;
    for (const event of page.events) {
      const actor = event.node ?? '';
      newest.set(actor, event);
      if (!this.knows(actor)) {
        const { seq, at } = event;
        yield* this.actor(actor, { version: before.get(actor), seq, at });
      }
      yield* this.#event(event);
      for (; (page.versions[next]?.seq ?? Number.POSITIVE_INFINITY) <= event.seq; next += 1) {
        const version = page.versions[next] as ActorVersionRecord;
        yield* this.#change(version, newest.get(version.actor) ?? event);
      }
    }
  }

  /** The reader was too slow: what it has not been told between these events is skipped. */
  *overflow(range: { after: number; upTo: number }, at: number): Generator<InspectionEvent> {
    yield {
      type: '@xstate.event',
      ...this.#base('', `${range.upTo}/overflow`, at),
      sourceId: undefined,
      event: { type: OVERFLOW, after: range.after, upTo: range.upTo },
    };
  }

  *#event(event: EventRecord): Generator<InspectionEvent> {
    const { seq, type, at } = event;
    const actor = event.node ?? '';
    if (!this.#wants({ kind: 'event', actor, seq, type })) return;
    yield {
      type: '@xstate.event',
      ...this.#base(actor, `${seq}`, at),
      sourceId: actor === '' ? undefined : this.#run,
      event: this.#fact(event),
    };
  }

  /** An actor that was final begins anew: it is told of again. */
  *#change(version: ActorVersionRecord, cause: EventRecord): Generator<InspectionEvent> {
    const { actor, seq } = version;
    if (!this.#live.has(actor)) return yield* this.actor(actor, { version, seq, at: cause.at });
    const snapshot = parseSnapshot(version);
    this.#remember(actor, snapshot);
    if (!this.#wants({ kind: 'snapshot', actor, seq })) return;
    yield {
      type: '@xstate.snapshot',
      ...this.#base(actor, `${seq}/snapshot`, cause.at),
      event: this.#fact(cause),
      snapshot: this.#masked(actor, snapshot),
    };
  }

  #base(actor: string, id: string, at: number) {
    return {
      _version: PROTOCOL_VERSION,
      id: `${this.#run}/${id}`,
      rootId: this.#run,
      sessionId: sessionOf(this.#run, actor),
      createdAt: String(at),
    };
  }

  #definition(machine: MachineId): string | undefined {
    if (this.#options.definitions !== 'each' && this.#defined.has(machine)) return undefined;
    this.#defined.add(machine);
    return definitionOf(machine);
  }

  #wants(candidate: InspectionCandidate): boolean {
    return this.#options.filter?.(candidate) ?? true;
  }

  #remember(actor: string, { status }: InspectedSnapshot): void {
    this.#final.delete(actor);
    if (status === 'active') {
      this.#live.add(actor);
      return;
    }
    this.#live.delete(actor);
    this.#final.add(actor);
    if (this.#final.size <= MAX_FINAL_KNOWN) return;
    const [oldest = ''] = this.#final;
    this.#final.delete(oldest);
  }

  #fact({ node, seq, type, attempt, detailJson }: EventRecord): InspectedFact {
    const detail = JSON.parse(detailJson) as JsonObject;
    const shown = this.mask?.(detail, { actor: node ?? '', of: 'event' }) ?? detail;
    return { ...shown, ...(attempt !== null && { attempt }), seq, type };
  }

  #masked(actor: string, snapshot: InspectedSnapshot): InspectedSnapshot {
    if (this.mask === undefined) return snapshot;
    return { ...snapshot, context: this.mask(snapshot.context, { actor, of: 'context' }) };
  }
}

/** The session of an actor: the id of its run, or that and the path of the node run. */
export function sessionOf(run: string, actor: string): string {
  return actor === '' ? run : `${run}/${actor}`;
}

function parseSnapshot({ snapshotJson }: ActorVersionRecord): InspectedSnapshot {
  const { status, value, context } = JSON.parse(snapshotJson) as InspectedSnapshot;
  return { status, value, context };
}

/** Whether an actor has come to its end with this snapshot. */
export function isDone(version: ActorVersionRecord): boolean {
  return parseSnapshot(version).status === 'done';
}
