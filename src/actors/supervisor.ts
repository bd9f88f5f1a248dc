/**
 * Carries the runs of this process: puts together what brings them into memory, takes messages to them,
 * decides and commits their turns and acts on them. Invariants: messages of one run are handled one at a
 * time, in order; the event loop is never held longer than a slice; closing leaves nothing half done.
 */
import type { RunchartError } from '../errors.js';
import { isFinal } from '../machines/statuses.js';
import type { AdmissionReport } from './admission/admission.js';
import type { HandlerPolicy } from './admission/handler-policy.js';
import { SlotDesk } from './admission/slot-desk.js';
import type { PayloadLimits } from './artifact-payloads.js';
import type { HideFor } from './attempt-logger.js';
import type { ForkMessage } from './change-messages.js';
import type { ChildStart } from './child-runs.js';
import { Effects } from './effects.js';
import { atMost, type Environment } from './environment.js';
import type { HandlerRegistry } from './handler-registry.js';
import type { Logger } from './handlers.js';
import type { KeyedCall } from './idempotency.js';
import { Lifetime } from './lifetime.js';
import { LiveIndex } from './live-index.js';
import { MessagePump } from './message-pump.js';
import type { RunMessage, StartMessage } from './messages.js';
import type { PlanCache } from './plan-cache.js';
import type { ArtifactStore, Journal, RunStore } from './ports.js';
import type { RunRecord } from './records.js';
import { Recovery } from './recovery.js';
import type { Creation, Residency } from './residency.js';
import { type ObstructedRun, Residents } from './residents.js';
import type { RunActorServices } from './run/run-actor.js';
import { RunLoader } from './run-loader.js';
import { RunMessenger } from './run-messenger.js';
import { RunObservers } from './run-observers.js';
import { SaidOnce } from './said-once.js';
import { StreamHub, type StreamHubParts } from './streams/stream-hub.js';
import { TurnCycle } from './turn-cycle.js';
import { WorkBoard } from './work-board.js';

export interface SupervisorLimits extends PayloadLimits {
  /** Handlers at work in this process. */
  readonly concurrency: number;
  /** Runs in memory beyond which a run is let go as soon as nothing of it is under way. */
  readonly maxResidentRuns: number;
  /** Node runs that one turn may change. */
  readonly maxTurnSize: number;
  /** Turns computed and not durable; above it no further message is handled. */
  readonly maxTurnsUnderWay: number;
  /** Messages that may wait for one run; further ones from outside are refused. */
  readonly maxInbox: number;
  /** How long handlers may go on once their run is ending, in milliseconds. */
  readonly graceMs: number;
}

export interface SupervisorParts {
  readonly environment: Environment;
  readonly journal: Journal;
  readonly store: RunStore;
  readonly artifacts: ArtifactStore;
  readonly plans: PlanCache;
  readonly registry: HandlerRegistry;
  readonly logger: Logger;
  readonly limits: SupervisorLimits;
  /** Limits of single handlers, by key. */
  readonly policies?: ReadonlyMap<string, HandlerPolicy>;
  /** Starts the run of a subplan; rejects with a RunchartError. */
  startChild(parent: RunRecord, child: ChildStart): Promise<void>;
  readonly worker: string;
  /** What the application shares with its handlers. */
  readonly services?: unknown;
  /** What is secret of what a run streams; nothing unless given. */
  readonly maskFor?: StreamHubParts['maskFor'];
  /** The same of what its handlers log. */
  readonly hideFor?: HideFor;
  /** The highest turn number in the database. */
  readonly lastTurn: number;
}

export interface Started {
  /** False where the run was there already. */
  readonly created: boolean;
  /** Of a fork: the number of the event that it began at, and the nodes that were carried over. */
  readonly seq?: number;
  readonly carried?: readonly string[];
}

export interface SupervisorStats {
  readonly residentRuns: number;
  readonly handlersAtWork: number;
  /** Turns decided and not durable yet. */
  readonly turnsUnderWay: number;
  readonly obstructedRuns: readonly ObstructedRun[];
  /** Slots in use, who waits for them, and the handlers that have limits of their own. */
  readonly admission: AdmissionReport;
  /** Why this process can write no more. */
  readonly stopped: string | undefined;
}

/** How long closing waits for storage that does not answer, in milliseconds. */
const STORAGE_PATIENCE_MS = 10_000;

export class Supervisor {
  readonly live: LiveIndex;
  /** Who is told of turns and of handlers at work. */
  readonly observers: RunObservers;
  /** What attempts stream, for those who watch. */
  readonly streams: StreamHub;
  /** Work for workers outside. */
  readonly work = new WorkBoard();
  readonly #parts: SupervisorParts;
  readonly #lifetime = new Lifetime();
  readonly #loader: RunLoader;
  readonly #residents: Residents;
  readonly #messenger: RunMessenger;
  readonly #desk: SlotDesk;
  readonly #effects: Effects;
  readonly #pump: MessagePump;
  readonly #recovery: Recovery;
  readonly #refused = new SaidOnce();
  #turn: number;
  #durableTurn: number;
  #quiet: (() => void) | undefined;

  constructor(parts: SupervisorParts) {
    const { limits, logger } = parts;
    this.#parts = parts;
    this.#turn = parts.lastTurn;
    this.#durableTurn = parts.lastTurn;
    this.live = new LiveIndex((run, error) => logger.error({ run, error }, 'a watcher failed'));
    this.observers = new RunObservers(logger);
    this.streams = new StreamHub(parts);
    this.#loader = new RunLoader(parts);
    const lifetime = this.#lifetime;
    const residents = this.#newResidents(parts);
    this.#residents = residents;
    const messenger = new RunMessenger({ residents, lifetime, maxInbox: limits.maxInbox });
    this.#messenger = messenger;
    this.#desk = this.#newDesk(parts);
    const { live, observers, streams, work } = this;
    const effects = new Effects({
      ...{ ...parts, messenger, lifetime, observers, streams, work },
      serves: (run) => this.#recovery.serves(run),
    });
    this.#effects = effects;
    this.#recovery = new Recovery({ ...parts, residents, messenger, effects });
    this.#pump = new MessagePump({
      handle: (residency, envelope) => turns.handle(residency, envelope),
      onIdle: () => this.#noticeQuiet(),
      maxTurnsUnderWay: limits.maxTurnsUnderWay,
    });
    const turns = new TurnCycle({
      ...{ ...parts, live, observers, work, residents, effects },
      desk: this.#desk,
      pump: this.#pump,
      refused: this.#refused,
      onDurable: (turn) => {
        this.#durableTurn = Math.max(this.#durableTurn, turn);
      },
      onStopped: (why) => this.#stop(why),
    });
  }

  /** Creates a run, or meets the one that the same start has created before. `first` is its first message. */
  async start(
    creation: Creation,
    first: StartMessage | ForkMessage = { type: 'run.start' },
    call?: KeyedCall,
  ): Promise<Started> {
    const { id } = creation.record;
    this.#recovery.noteAsked(id);
    return (await this.#messenger.ask(id, first, call, creation)) as Started;
  }

  /**
   * Hands a message to a run; resolves with its reply when the turn is durable. The same call again gets the
   * same answer.
   */
  send(run: string, message: RunMessage, call?: KeyedCall): Promise<unknown> {
    this.#recovery.noteAsked(run);
    return this.#messenger.ask(run, message, call);
  }

  /** Takes up what an earlier process left in motion, and serves the timers of all runs from now on. */
  recover(): Promise<void> {
    return this.#recovery.recover();
  }

  /** Takes up one run that an earlier process left in motion, unless this one has it in hand already. */
  takeUp(run: string): Promise<void> {
    return this.#recovery.takeUp(run);
  }

  /**
   * Goes on with a run: takes up what an earlier process left in motion, unless this one has it in
   * hand already, and ends a pause.
   */
  async resume(run: string, call?: KeyedCall): Promise<void> {
    await this.takeUp(run);
    await this.send(run, { type: 'run.resume' }, call);
  }

  /** Tries, without a trace, whether this program could take a run up; says why not, or nothing. */
  async examine(run: string): Promise<RunchartError | undefined> {
    try {
      const { actor, obstacle } = await this.#loader.load(run, undefined, this.#servicesOf(run));
      if (obstacle !== undefined || actor === undefined || isFinal(actor.status)) return obstacle;
      return this.#loader.refusal(actor.version);
    } catch (error) {
      return error as RunchartError;
    }
  }

  /** Numbers for health and metrics. */
  stats(): SupervisorStats {
    return {
      residentRuns: this.#residents.size,
      handlersAtWork: this.#effects.attempts.size,
      turnsUnderWay: this.#pump.turnsUnderWay,
      obstructedRuns: this.#residents.obstructed(),
      admission: this.#desk.report(),
      stopped: this.#lifetime.stopped?.message,
    };
  }

  /** The newest turn that is known to be durable: beyond it numbers may be given again by another process. */
  get durableTurn(): number {
    return this.#durableTurn;
  }

  /** The next turn number of the database, for whoever writes turns. */
  nextTurn(): number {
    this.#turn += 1;
    return this.#turn;
  }

  /**
   * Drains: takes no new messages from outside, starts no handler, gives those at work `graceMs`
   * and then their abort signal, and waits until every turn is durable, or storage has had its time.
   */
  async close(graceMs: number): Promise<void> {
    const { clock } = this.#parts.environment;
    const { attempts } = this.#effects;
    this.#takeNoMore();
    await atMost(clock, graceMs, attempts.whenIdle());
    // What ignores its signal is closed as interrupted by the next process.
    attempts.abortAll('the process is shutting down');
    await atMost(clock, STORAGE_PATIENCE_MS, this.#whenQuiet());
    this.#lifetime.close();
    this.streams.close();
  }

  /** This process cannot make anything durable any more: it decides nothing and starts nothing. */
  #stop(why: string): void {
    if (!this.#lifetime.stop(why)) return;
    this.#takeNoMore();
    this.#effects.attempts.abortAll(why);
    this.#parts.logger.error({ why }, 'stopped');
  }

  #takeNoMore(): void {
    this.#lifetime.beginClosing();
    this.#desk.close();
    this.#effects.close();
    this.work.close();
  }

  #whenQuiet(): Promise<void> {
    if (this.#isQuiet) return Promise.resolve();
    return new Promise((resolve) => {
      this.#quiet = resolve;
    });
  }

  get #isQuiet(): boolean {
    return this.#pump.isIdle && this.#residents.isQuiet;
  }

  #noticeQuiet(): void {
    if (this.#quiet !== undefined && this.#isQuiet) this.#quiet();
  }

  #newResidents({ environment, journal, logger, limits }: SupervisorParts): Residents {
    return new Residents({
      ...{ journal, logger, clock: environment.clock, maxResidentRuns: limits.maxResidentRuns },
      loader: this.#loader,
      live: this.live,
      lifetime: this.#lifetime,
      servicesOf: (run) => this.#servicesOf(run),
      onLoaded: (residency) => this.#adopt(residency),
      schedule: (residency) => this.#pump.schedule(residency),
      onForgotten: () => this.#noticeQuiet(),
    });
  }

  #newDesk({ environment, logger, limits, policies }: SupervisorParts): SlotDesk {
    return new SlotDesk({
      ...{ logger, clock: environment.clock, concurrency: limits.concurrency },
      onReleased: () => this.work.slotFreed(),
      offer: (run, onAnswered) => this.#messenger.tell(run, { type: 'slot.offer' }, onAnswered),
      ...(policies && { policies }),
    });
  }

  /** What a run has at work here counts from the moment at which it is in memory. */
  #adopt({ id, actor, isStuck }: Residency): void {
    // What cannot go on here has nothing at work here.
    this.#desk.adopt(id, isStuck ? [] : (actor?.permits ?? []));
    if (actor === undefined) return;
    if (!isStuck) this.work.adopted(actor);
    if (actor.seq === 0 || !actor.wantsTurn || this.#lifetime.isClosing) return;
    // What was left to decide, or waited for a slot, goes on with any turn.
    this.#messenger.tell(id, { type: 'turn.continue' });
  }

  #servicesOf(run: string): RunActorServices {
    const { environment, limits, registry, worker } = this.#parts;
    return {
      environment,
      worker,
      maxTurnSize: limits.maxTurnSize,
      graceMs: limits.graceMs,
      compile: (plan) => this.#parts.plans.tryCompile(plan),
      refusal: (version) => this.#loader.refusal(version),
      external: (handler) => registry.external(handler),
      refused: this.#refused,
      streams: this.streams,
      place: (handler) => registry.place(handler),
      nextTurn: () => this.nextTurn(),
      slots: this.#desk.slotsOf(run),
    };
  }
}
