/**
 * What a watcher of a run is told: the events of the inspector protocol of XState, as @statelyai/inspect
 * sends and takes them, each a JSON object. A test holds these types against those of that package.
 */
import type { JsonObject, JsonValue } from '../plan/json.js';

/** Version of the protocol, as each of its events names it. */
export const PROTOCOL_VERSION = '0.7.2';

interface InspectionEventBase {
  readonly _version: string;
  /** Unique within the run, and in the order of its log: `run/seq/…`. */
  readonly id: string;
  /** Session of the run's actor. */
  readonly rootId: string;
  /** The actor: the id of the run, or that and the path of the node run. */
  readonly sessionId: string;
  /** When it became so, in milliseconds since the epoch, as text. */
  readonly createdAt: string;
}

/** How an actor stands: its state, and its context as the reader may see it. */
export interface InspectedSnapshot {
  readonly status: 'active' | 'done';
  readonly value: JsonValue;
  /** Masked. */
  readonly context: JsonObject;
}

/** An event of the log, with its number. */
export interface InspectedFact {
  readonly type: string;
  readonly [member: string]: JsonValue | undefined;
}

/** There is an actor, and it stands so. */
export interface InspectedActor extends InspectionEventBase {
  readonly type: '@xstate.actor';
  /** The path of the node run, or the id of the run. */
  readonly name: string;
  readonly parentId: string | undefined;
  /** Configuration of its machine, as JSON text; with the first actor of each machine unless asked for more. */
  readonly definition: string | undefined;
  /** The machine that it is an actor of. */
  readonly machine: string;
  readonly snapshot: InspectedSnapshot;
}

/** The log has something to say of an actor. */
export interface InspectedEvent extends InspectionEventBase {
  readonly type: '@xstate.event';
  readonly sourceId: string | undefined;
  /** The event of the log: its type, `seq`, `attempt`, and what its detail has, masked. */
  readonly event: InspectedFact;
}

/** An actor stands otherwise now. */
export interface InspectedChange extends InspectionEventBase {
  readonly type: '@xstate.snapshot';
  readonly event: InspectedFact;
  readonly snapshot: InspectedSnapshot;
}

/** What a watcher of a run is told. */
export type InspectionEvent = InspectedActor | InspectedEvent | InspectedChange;

/** Type of the event that says: the reader was too slow, what it missed is skipped, and all is described anew. */
export const OVERFLOW = 'inspection.overflowed';
