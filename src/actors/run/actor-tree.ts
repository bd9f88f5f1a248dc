/**
 * The XState actors of one resident run: the run actor as root of its own system, and one child per
 * node run that is in flight. Invariants: a node run is live while it has a slot or an open task;
 * otherwise it is its machine's snapshot, kept as text, and nothing if it was never touched. Every
 * event is either taken by the statechart or an error here: none vanishes.
 */
import {
  type Actor,
  type AnyActorScope,
  createActor,
  type Snapshot,
  type SnapshotFrom,
} from 'xstate';
import type { NodeRunEvent } from '../../machines/node-run-events.js';
import {
  NODE_RUN_INTENTIONS,
  NODE_RUN_MACHINE,
  type NodeRunContext,
  nodeRunMachine,
} from '../../machines/node-run-machine.js';
import type { RunEvent } from '../../machines/run-events.js';
import {
  RUN_INTENTIONS,
  RUN_MACHINE,
  type RunContext,
  runMachine,
} from '../../machines/run-machine.js';
import { snapshotDigest } from '../../machines/snapshot-digest.js';
import { isFinal, type NodeStatus, type RunStatus } from '../../machines/statuses.js';
import { UPCASTERS, upcast } from '../../machines/upcasters.js';
import type { JsonObject } from '../../plan/json.js';
import { durable, type Intention } from '../durable.js';
import type { ActorVersionRecord } from '../records.js';

type NodeActor = Actor<typeof nodeRunMachine>;

export interface NodeStep {
  readonly to: NodeStatus;
  /** The innermost active state, for instance `backingOff` or `stopping`. */
  readonly state: string;
  readonly context: NodeRunContext;
  /** What the statechart wants, in the order in which it decided. */
  readonly intentions: readonly string[];
}

export class ActorTree {
  readonly #root: Actor<typeof runMachine>;
  readonly #nodeLogic: typeof nodeRunMachine;
  readonly #live = new Map<string, NodeActor>();
  readonly #dormant = new Map<string, string>();
  /** Node runs whose snapshot is not the stored one any more. */
  readonly #moved = new Set<string>();
  #rootText: string | undefined;
  /** The snapshot that `#rootText` was made of: XState keeps it while nothing changes. */
  #rootSnapshot: SnapshotFrom<typeof runMachine> | undefined;
  #held: Intention[] = [];
  #scope: AnyActorScope | undefined;

  /** Starts a new run's actor, or rehydrates it from its newest snapshot. */
  constructor(runId: string, stored?: ActorVersionRecord) {
    const sink = (intention: Intention) => this.#held.push(intention);
    this.#nodeLogic = durable(nodeRunMachine, NODE_RUN_INTENTIONS, sink);
    const runLogic = durable(runMachine, RUN_INTENTIONS, sink, (scope) => {
      this.#scope = scope;
    });
    const snapshot = stored && readEnvelope(stored, RUN_MACHINE, runMachine.root);
    this.#root = createActor(runLogic, { id: runId, ...(snapshot && { snapshot }) });
    // A node run's actor never fails on its own; if one does, `send` reports it to the turn.
    this.#root.subscribe({ error: () => {} });
    this.#root.start();
    this.#rootText = stored?.snapshotJson;
  }

  get runStatus(): RunStatus {
    return statusOf(this.#root.getSnapshot().value) as RunStatus;
  }

  /** Whether the run is failing or being cancelled, and which. */
  get ending(): 'failing' | 'cancelling' | undefined {
    const state = innermost(this.#root.getSnapshot().value);
    return state === 'failing' || state === 'cancelling' ? state : undefined;
  }

  get runContext(): RunContext {
    return this.#root.getSnapshot().context;
  }

  /** The innermost state of a node run. */
  stateOf(node: string): string {
    const live = this.#live.get(node);
    if (live !== undefined) return innermost(live.getSnapshot().value);
    const text = this.#dormant.get(node);
    return text === undefined
      ? 'pending'
      : innermost((JSON.parse(text) as { value: unknown }).value);
  }

  /** Node runs that were touched and are not final. */
  openNodes(): string[] {
    return [...this.#live.keys(), ...this.#dormant.keys()];
  }

  sendRun(event: RunEvent): readonly string[] {
    this.#root.send(event);
    const snapshot = this.#root.getSnapshot();
    if (snapshot.status === 'error') throw broken('run', event.type, snapshot.error);
    return this.#takeIntentions();
  }

  /** Gives a node run's statechart an event. Throws where the chart does not take it. */
  send(node: string, event: NodeRunEvent): NodeStep {
    const actor = this.#live.get(node) ?? this.#spawn(node, this.#dormant.get(node));
    const before = actor.getSnapshot();
    this.#moved.add(node);
    actor.send(event);
    const after = actor.getSnapshot();
    if (after.status === 'error') throw broken(`node run "${node}"`, event.type, after.error);
    if (after === before) {
      throw new Error(`node run "${node}" does not take ${event.type} in ${statusOf(after.value)}`);
    }
    return {
      to: statusOf(after.value) as NodeStatus,
      state: innermost(after.value),
      context: after.context,
      intentions: this.#takeIntentions(),
    };
  }

  /** Takes a node run's snapshot, and lets go of its actor unless it has a slot or an open task. */
  settleNode(run: number, node: string, seq: number): ActorVersionRecord | undefined {
    const actor = this.#live.get(node);
    if (actor === undefined || !this.#moved.delete(node)) return undefined;
    const text = JSON.stringify(actor.getPersistedSnapshot());
    const status = statusOf(actor.getSnapshot().value) as NodeStatus;
    if (isFinal(status)) {
      this.#live.delete(node);
    } else if (status !== 'running' && status !== 'awaiting-human') {
      this.#live.delete(node);
      this.#dormant.set(node, text);
      this.#scope?.stopChild(actor);
    }
    return envelope(run, node, seq, NODE_RUN_MACHINE, text);
  }

  /** Takes the run actor's snapshot where it has changed since the last one. */
  settleRun(run: number, seq: number): ActorVersionRecord | undefined {
    const snapshot = this.#root.getSnapshot();
    if (snapshot === this.#rootSnapshot) return undefined;
    this.#rootSnapshot = snapshot;
    const text = JSON.stringify(this.#root.getPersistedSnapshot());
    if (text === this.#rootText) return undefined;
    this.#rootText = text;
    return envelope(run, '', seq, RUN_MACHINE, text);
  }

  /** Keeps the stored snapshot of a node run that is neither final nor untouched. */
  restoreNode(stored: ActorVersionRecord): void {
    const isCurrent = stored.version === NODE_RUN_MACHINE.version;
    const snapshot = readEnvelope(stored, NODE_RUN_MACHINE, nodeRunMachine.root);
    this.#dormant.set(stored.actor, isCurrent ? stored.snapshotJson : JSON.stringify(snapshot));
  }

  /** Begins anew with a node run: its next generation has the machine's initial snapshot. */
  renew(node: string): void {
    const actor = this.#live.get(node);
    if (actor !== undefined) this.#scope?.stopChild(actor);
    this.#spawn(node, undefined);
    this.#moved.add(node);
  }

  /** What the statechart of a node run that is kept as text counts. */
  contextOf(node: string): NodeRunContext | undefined {
    const text = this.#dormant.get(node);
    return text === undefined
      ? undefined
      : (JSON.parse(text) as { context: NodeRunContext }).context;
  }

  #spawn(node: string, dormant: string | undefined): NodeActor {
    const actor = createActor(this.#nodeLogic, {
      parent: this.#root,
      id: node,
      src: NODE_RUN_MACHINE.id,
      ...(dormant !== undefined && { snapshot: JSON.parse(dormant) as Snapshot<unknown> }),
    });
    actor.start();
    this.#dormant.delete(node);
    this.#live.set(node, actor);
    return actor;
  }

  #takeIntentions(): readonly string[] {
    if (this.#held.length === 0) return NONE;
    const taken = this.#held.map((intention) => intention.type);
    this.#held = [];
    return taken;
  }
}

const NONE: readonly string[] = [];

/** The stored snapshot, brought up to this program's version of its machine. */
function readEnvelope(
  stored: ActorVersionRecord,
  machine: { readonly id: string; readonly version: number },
  root: StateTree,
): Snapshot<unknown> {
  const versions = { from: stored.version, to: machine.version };
  const snapshot =
    stored.machine === machine.id
      ? upcast(UPCASTERS, machine.id, versions, JSON.parse(stored.snapshotJson) as JsonObject)
      : undefined;
  // XState restores a state that it does not know without a word.
  if (snapshot !== undefined && !hasState(root, snapshot.value)) {
    throw new UnrestorableError(
      `the snapshot of "${stored.actor || 'run'}" is in a state that ${machine.id} version ${machine.version} does not have`,
    );
  }
  if (snapshot !== undefined) return snapshot as unknown as Snapshot<unknown>;
  throw new UnrestorableError(
    `the snapshot of "${stored.actor || 'run'}" is of ${stored.machine} version ${stored.version}; ` +
      `this program restores ${machine.id} version ${machine.version}`,
  );
}

interface StateTree {
  readonly states: Readonly<Record<string, StateTree>>;
}

/** A state value is a name, or an object with the name of a state and a value within it. */
function hasState({ states }: StateTree, value: unknown): boolean {
  if (typeof value === 'string') return Object.hasOwn(states, value);
  if (typeof value !== 'object' || value === null) return false;
  const entries = Object.entries(value);
  return (
    entries.length > 0 &&
    entries.every(([name, within]) => {
      const state = Object.hasOwn(states, name) ? states[name] : undefined;
      return state !== undefined && hasState(state, within);
    })
  );
}

/** A stored snapshot that this program cannot restore. The run is left as it is. */
export class UnrestorableError extends Error {
  override readonly name = 'UnrestorableError';
}

function envelope(
  run: number,
  actor: string,
  seq: number,
  machine: { readonly id: string; readonly version: number },
  snapshotJson: string,
): ActorVersionRecord {
  return {
    run,
    actor,
    seq,
    machine: machine.id,
    version: machine.version,
    snapshotJson,
    digest: snapshotDigest(snapshotJson),
  };
}

/** A state value is a name, or an object with one key per active region. */
function statusOf(value: unknown): string {
  return typeof value === 'string' ? value : (Object.keys(value as object)[0] ?? '');
}

function innermost(value: unknown): string {
  return typeof value === 'string' ? value : innermost(Object.values(value as object)[0]);
}

function broken(actor: string, event: string, cause: unknown): Error {
  return new Error(`the statechart of the ${actor} failed on ${event}`, { cause });
}
