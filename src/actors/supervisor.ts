/**
 * Carries the runs of this process: which are in memory, whose message is next, and what happens
 * when a turn is durable or void. Invariants: messages of one run are handled one at a time, in
 * order; nothing leaves before its turn is durable; a run whose turn is void is rehydrated before
 * it takes another message; the event loop is never held longer than a slice.
 */
import { RunchartError } from '../errors.js';
import { isFinal } from '../machines/statuses.js';
import type { JsonValue } from '../plan/json.js';
import { CHOOSES_ON_DOWNTIME } from '../plan/node-settings.js';
import type { AdmissionReport } from './admission/admission.js';
import type { HandlerPolicy } from './admission/handler-policy.js';
import { SlotDesk } from './admission/slot-desk.js';
import { ArtifactPayloads, type PayloadLimits } from './artifact-payloads.js';
import { type Attempt, AttemptRunner, type CheckName } from './attempt-runner.js';
import type { ForkMessage } from './change-messages.js';
import { ChildRuns, type ChildStart } from './child-runs.js';
import { atMost, type Environment, elapse } from './environment.js';
import type { HandlerRegistry } from './handler-registry.js';
import type { Logger } from './handlers.js';
import type { KeyedCall, Outcome } from './idempotency.js';
import { LiveIndex } from './live-index.js';
import { MessagePump } from './message-pump.js';
import type { AttemptName, HandlerReturn, RunMessage, StartMessage } from './messages.js';
import type { PlanCache } from './plan-cache.js';
import { type ArtifactStore, CommitError, type Journal, type RunStore } from './ports.js';
import type { RunRecord, TurnRecord } from './records.js';
import { type Creation, type Envelope, Residency } from './residency.js';
import type { RunActor, RunActorServices } from './run/run-actor.js';
import { RunLoader } from './run-loader.js';
import { RunObservers } from './run-observers.js';
import { SaidOnce } from './said-once.js';
import { TimerService } from './timer-service.js';
import type { Effect, Turn } from './turn.js';
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
  /** Runs met by this process that it cannot move on, for instance for want of a handler. */
  readonly obstructedRuns: readonly {
    readonly run: string;
    readonly code: string;
    readonly message: string;
  }[];
  /** Slots in use, who waits for them, and the handlers that have limits of their own. */
  readonly admission: AdmissionReport;
  /** Why this process can write no more. */
  readonly stopped: string | undefined;
}

/** Runs that are loaded before the event loop has a turn. */
const LOADS_AT_ONCE = 20;
/** How long closing waits for storage that does not answer, in milliseconds. */
const STORAGE_PATIENCE_MS = 10_000;
/** Wait before a run is loaded again after storage failed, in milliseconds. */
const STORAGE_RETRY_MS = 1_000;

export class Supervisor {
  readonly live: LiveIndex;
  /** Who is told of turns and of handlers at work. */
  readonly observers: RunObservers;
  /** Work for workers outside. */
  readonly work = new WorkBoard();
  readonly #parts: SupervisorParts;
  readonly #runs = new Map<string, Residency>();
  readonly #loader: RunLoader;
  readonly #pump: MessagePump;
  readonly #desk: SlotDesk;
  readonly #attempts: AttemptRunner;
  readonly #timers: TimerService;
  readonly #children: ChildRuns;
  readonly #refused = new SaidOnce();
  #turn: number;
  #isClosing = false;
  /** Storage is about to go: what still comes, from handlers that ignored their signal, is dropped. */
  #isClosed = false;
  /** Whether this process serves the timers of all runs, or only of those that it was asked about. */
  #servesAll = false;
  readonly #served = new Set<string>();
  readonly #obstructed = new Map<string, RunchartError>();
  #stopped: RunchartError | undefined;
  #quiet: (() => void) | undefined;

  constructor(parts: SupervisorParts) {
    const { environment, store, logger, registry, limits } = parts;
    this.#parts = parts;
    this.live = new LiveIndex((run, error) => logger.error({ run, error }, 'a watcher failed'));
    this.observers = new RunObservers(logger);
    this.#turn = parts.lastTurn;
    this.#loader = new RunLoader(parts);
    this.#pump = new MessagePump({
      handle: (residency, envelope) => this.#handle(residency, envelope),
      onIdle: () => this.#noticeQuiet(),
      maxTurnsUnderWay: limits.maxTurnsUnderWay,
    });
    this.#desk = new SlotDesk({
      clock: environment.clock,
      logger,
      concurrency: limits.concurrency,
      onReleased: () => this.work.slotFreed(),
      offer: (run, onAnswered) =>
        this.#post(run, {
          message: { type: 'slot.offer' },
          internal: true,
          voids: 0,
          settle: onAnswered,
        }),
      ...(parts.policies && { policies: parts.policies }),
    });
    this.#children = new ChildRuns({
      clock: environment.clock,
      store,
      startChild: (parent, child) => parts.startChild(parent, child),
      tell: (parent, report) => this.#tellAndWait(parent, report),
    });
    this.#attempts = new AttemptRunner({
      registry,
      reports: {
        result: (attempt, result) => this.#reportResult(attempt, result),
        progress: (attempt, progress) => this.#reportProgress(attempt, progress),
        heartbeat: (attempt, payload) => this.#reportHeartbeat(attempt, payload),
      },
      payloads: new ArtifactPayloads(parts.artifacts, limits, environment.clock),
      logger,
      observers: this.observers,
      services: parts.services,
    });
    this.#timers = new TimerService({
      clock: environment.clock,
      store,
      logger,
      serves: (run) => this.#servesAll || this.#served.has(run),
      fire: (run, timer) => this.#tellAndWait(run, { type: 'timer.fire', timer }),
    });
  }

  /** Creates a run, or meets the one that the same start has created before. `first` is its first message. */
  async start(
    creation: Creation,
    first: StartMessage | ForkMessage = { type: 'run.start' },
    call?: KeyedCall,
  ): Promise<Started> {
    return (await this.#ask(creation.record.id, first, { creation, call })) as Started;
  }

  /**
   * Hands a message to a run; resolves with its reply when the turn is durable. The same call again gets the
   * same answer.
   */
  send(run: string, message: RunMessage, call?: KeyedCall): Promise<unknown> {
    return this.#ask(run, message, { call });
  }

  /** Takes up what an earlier process left in motion, and serves the timers of all runs from now on. */
  async recover(): Promise<void> {
    this.#servesAll = true;
    const message: RunMessage = { type: 'run.recover', downSince: await this.#lastSign() };
    const page = 500;
    let after: string | undefined;
    for (;;) {
      const ids = await this.#parts.store.unfinishedRuns(after, page, CHOOSES_ON_DOWNTIME);
      const inHand = this.#attempts.runsAtWork();
      const left = ids.filter((id) => !inHand.has(id) && !this.#runs.has(id));
      const recovered: Promise<boolean>[] = [];
      for (const id of left) {
        recovered.push(this.#tellAndWait(id, message));
        // Loading is reading: others have their turn in between.
        if (recovered.length % LOADS_AT_ONCE === 0) await nextTick();
      }
      await Promise.all(recovered);
      after = ids.at(-1);
      if (ids.length < page) break;
    }
    await this.#children.reportEnded(page);
    await this.#timers.tick();
  }

  /** Until when, at least, a process was at work; null where none ever was. */
  async #lastSign(): Promise<number | null> {
    return (await this.#parts.store.lastTurnAt()) ?? null;
  }

  /** Takes up one run that an earlier process left in motion, unless this one has it in hand already. */
  async takeUp(run: string): Promise<void> {
    const isInHand =
      this.#runs.get(run)?.actor !== undefined || this.#attempts.runsAtWork().has(run);
    // What this process has served before has not been down meanwhile.
    const isServed = this.#servesAll || this.#served.has(run);
    const downSince = isServed ? null : await this.#lastSign();
    if (!isInHand) await this.#ask(run, { type: 'run.recover', downSince });
    await this.#timers.tick();
  }

  /**
   * Goes on with a run: takes up what an earlier process left in motion, unless this one has it in
   * hand already, and ends a pause.
   */
  async resume(run: string, call?: KeyedCall): Promise<void> {
    await this.takeUp(run);
    await this.#ask(run, { type: 'run.resume' }, { call });
  }

  /** Tries, without a trace, whether this program could take a run up; says why not, or nothing. */
  async examine(run: string): Promise<RunchartError | undefined> {
    try {
      const { actor, obstacle } = await this.#loader.load(run, undefined, this.#actorServices(run));
      if (obstacle !== undefined || actor === undefined || isFinal(actor.status)) return obstacle;
      return this.#loader.refusal(actor.version);
    } catch (error) {
      return error as RunchartError;
    }
  }

  /** Numbers for health and metrics. */
  stats(): SupervisorStats {
    return {
      residentRuns: this.#runs.size,
      handlersAtWork: this.#attempts.size,
      turnsUnderWay: this.#pump.turnsUnderWay,
      obstructedRuns: [...this.#obstructed].map(([run, { code, message }]) => ({
        run,
        code,
        message,
      })),
      admission: this.#desk.report(),
      stopped: this.#stopped?.message,
    };
  }

  /**
   * Drains: takes no new messages from outside, starts no handler, gives those at work `graceMs`
   * and then their abort signal, and waits until every turn is durable, or storage has had its time.
   */
  async close(graceMs: number): Promise<void> {
    const { clock } = this.#parts.environment;
    this.#takeNoMore();
    await atMost(clock, graceMs, this.#attempts.whenIdle());
    // What ignores its signal is closed as interrupted by the next process.
    this.#attempts.abortAll('the process is shutting down');
    await atMost(clock, STORAGE_PATIENCE_MS, this.#whenQuiet());
    this.#isClosed = true;
  }

  #takeNoMore(): void {
    this.#isClosing = true;
    this.#timers.close();
    this.#desk.close();
    this.#children.close();
    this.work.close();
  }

  #whenQuiet(): Promise<void> {
    if (this.#isQuiet) return Promise.resolve();
    return new Promise((resolve) => {
      this.#quiet = resolve;
    });
  }

  get #isQuiet(): boolean {
    if (!this.#pump.isIdle) return false;
    return [...this.#runs.values()].every((run) => run.state === 'active' && run.isQuiet);
  }

  // Messages ---------------------------------------------------------------------------------

  #ask(
    run: string,
    message: RunMessage,
    {
      creation,
      call,
    }: { readonly creation?: Creation; readonly call?: KeyedCall | undefined } = {},
  ): Promise<unknown> {
    if (!this.#servesAll) this.#served.add(run);
    return new Promise((resolve, reject) => {
      if (this.#isClosing) {
        return reject(this.#stopped ?? new RunchartError('closing', 'the orchestrator is closing'));
      }
      const waiting = this.#runs.get(run)?.inbox.size ?? 0;
      if (waiting >= this.#parts.limits.maxInbox) {
        const hint = 'try again when its queue is shorter';
        return reject(
          new RunchartError('overloaded', `too many messages wait for run ${run}`, { hint }),
        );
      }
      this.#post(run, {
        message,
        internal: false,
        voids: 0,
        ...(creation && { creation }),
        ...(call && { call }),
        settle: (outcome) => ('error' in outcome ? reject(outcome.error) : resolve(outcome.reply)),
      });
    });
  }

  #tell(run: string, message: RunMessage): void {
    this.#post(run, { message, internal: true, voids: 0, settle: () => {} });
  }

  /** Resolves when the message's turn is durable, with whether the run could take it. */
  #tellAndWait(run: string, message: RunMessage): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (outcome: object) => resolve(!('error' in outcome));
      this.#post(run, { message, internal: true, voids: 0, settle });
    });
  }

  #post(run: string, envelope: Envelope): void {
    if (this.#isClosed) {
      return envelope.settle({ error: new RunchartError('closing', 'the orchestrator is closed') });
    }
    let residency = this.#runs.get(run);
    if (residency === undefined) {
      residency = new Residency(run);
      this.#runs.set(run, residency);
      residency.inbox.push(envelope);
      void this.#load(residency);
      return;
    }
    residency.inbox.push(envelope);
    this.#pump.schedule(residency);
  }

  #noticeQuiet(): void {
    if (this.#quiet !== undefined && this.#isQuiet) this.#quiet();
  }

  // Turns ------------------------------------------------------------------------------------

  #handle(residency: Residency, envelope: Envelope): void {
    const { actor } = residency;
    const { message, call } = envelope;
    if (actor === undefined) return this.#refuseUnknown(residency, envelope);
    const known = call && actor.answerTo(call);
    if (known !== undefined) return this.#answerOnceDurable(residency, envelope, known);
    if (envelope.creation !== undefined && actor.seq > 0) {
      return this.#answerRepeatedStart(residency, actor, envelope);
    }
    const { obstacle } = residency;
    if (obstacle !== undefined && residency.isStuck && message.type !== 'run.cancel') {
      envelope.settle({ error: obstacle });
      return this.#letGo(residency);
    }
    let turn: Turn;
    try {
      turn = actor.handle(message, call);
    } catch (error) {
      return this.#onCrash(residency, envelope, error);
    }
    this.#desk.turnEnded(actor);
    this.work.turnEnded(actor, message.type === 'work.claim');
    this.#commit(residency, actor, envelope, turn);
  }

  #commit(residency: Residency, actor: RunActor, envelope: Envelope, turn: Turn): void {
    if (turn.isEmpty && turn.keptAnswer === undefined && residency.underWay.size === 0) {
      this.#act(residency, actor, envelope, turn);
      return this.#letGo(residency);
    }
    const live = { id: actor.id, status: actor.status, seq: turn.seq, nodes: actor.nodeCounts() };
    const { report } = actor;
    residency.underWay.push(envelope);
    this.#pump.turnBegun();
    const sealed = turn.isEmpty ? undefined : turn.seal();
    const { record } = actor;
    const committed =
      sealed === undefined
        ? this.#journalAnswer(residency, turn)
        : this.#journalTurn(residency, sealed);
    committed.then(
      () => {
        this.live.committed(live);
        if (sealed !== undefined && !this.observers.isEmpty) {
          this.observers.turnCommitted(record, sealed);
        }
        this.#act(residency, actor, envelope, turn);
        this.#children.report(residency, report);
        this.#onSettled(residency);
        this.#letGo(residency);
      },
      (error: unknown) => {
        this.#onVoid(residency, envelope, error);
        this.#onSettled(residency);
      },
    );
  }

  #journalTurn(residency: Residency, turn: TurnRecord): Promise<void> {
    residency.lastCommit = this.#parts.journal.commit(turn);
    return residency.lastCommit;
  }

  /** An empty turn only waits for the turns before it: what it answers must be durable too. */
  #journalAnswer(residency: Residency, { keptAnswer: record }: Turn): Promise<void> {
    if (record === undefined) return residency.lastCommit;
    const written = this.#parts.journal.write([{ type: 'idempotency-key.put', record }]);
    residency.lastCommit = Promise.all([residency.lastCommit, written]).then(() => {});
    return residency.lastCommit;
  }

  #onSettled(residency: Residency): void {
    residency.underWay.shift();
    if (residency.state === 'voided' && residency.underWay.size === 0) void this.#reload(residency);
    this.#pump.turnSettled();
  }

  /** Acts, now that the decision is durable. */
  #act(residency: Residency, actor: RunActor, envelope: Envelope, turn: Turn): void {
    for (const effect of turn.effects) this.#carryOut(residency, actor, effect);
    envelope.settle(turn.refusal === undefined ? { reply: turn.reply } : { error: turn.refusal });
  }

  #carryOut(residency: Residency, actor: RunActor, effect: Effect): void {
    switch (effect.type) {
      case 'attempt.start':
      case 'check.start':
        return this.#startAttempt(residency, actor, effect);
      case 'attempt.abort':
        if (!this.#attempts.abort(effect.key, 'the run is ending')) this.work.stopped(effect.key);
        return;
      case 'child.start':
        void this.#children.start(actor.record, effect);
        return;
      case 'child.cancel':
        this.#tell(effect.id, { type: 'run.cancel', reason: 'its parent ended', by: null });
        return;
      case 'timer.arm':
        return this.#timers.arm(effect.dueAt);
      case 'turn.continue':
        return this.#tell(residency.id, { type: 'turn.continue' });
    }
  }

  #startAttempt(
    residency: Residency,
    actor: RunActor,
    effect: Extract<Effect, { type: 'attempt.start' | 'check.start' }>,
  ): void {
    // Left to the next process, which closes it as interrupted.
    if (this.#isClosing) return;
    // What an actor thrown away believes does not count: the turn is durable, so the attempt is.
    const isWanted = residency.state !== 'active' || actor.isCurrent(effect);
    if (isWanted) return this.#attempts.start(actor.record, effect);
    const check = effect.type === 'check.start' ? effect : undefined;
    this.#tellResult(residency.id, { ...effect, check }, { type: 'aborted' });
  }

  #reportResult(attempt: Attempt, result: HandlerReturn): void {
    // A handler that only gave up because the process is closing did not fail.
    if (this.#isClosing && result.type === 'aborted') return;
    this.#tellResult(attempt.run, attempt, result);
  }

  #tellResult(
    run: string,
    work: AttemptName & { readonly check: CheckName | undefined },
    result: HandlerReturn,
  ): void {
    if (work.check === undefined) {
      return this.#tell(run, { type: 'attempt.result', ...nameOf(work), result });
    }
    const { check, number } = work.check;
    this.#tell(run, { type: 'check.result', ...nameOf(work), check, number, result });
  }

  async #reportProgress(attempt: Attempt, progress: JsonValue): Promise<void> {
    const { run } = attempt;
    await this.#tellAndWait(run, { type: 'attempt.progress', ...nameOf(attempt), progress });
  }

  async #reportHeartbeat(attempt: Attempt, payload: JsonValue | undefined): Promise<void> {
    const { run } = attempt;
    await this.#tellAndWait(run, { type: 'attempt.heartbeat', ...nameOf(attempt), payload });
  }

  /** Answered once the run is durable: it may have been created a moment ago. */
  #answerRepeatedStart(residency: Residency, actor: RunActor, envelope: Envelope): void {
    const { id, startDigest } = actor.record;
    const isSame = envelope.creation?.record.startDigest === startDigest;
    const outcome = isSame ? { reply: { created: false } } : { error: conflictingStart(id) };
    this.#answerOnceDurable(residency, envelope, outcome, () => {
      // Started again by the run that it works for, which may not know what became of it.
      residency.reportedStatus = undefined;
      this.#children.report(residency, actor.report);
    });
  }

  /** Answers what was decided before: it may not be durable yet. */
  #answerOnceDurable(
    residency: Residency,
    envelope: Envelope,
    outcome: Outcome,
    onAnswered = () => {},
  ): void {
    residency.lastCommit
      .then(
        () => {
          envelope.settle(outcome);
          onAnswered();
        },
        (cause: unknown) => {
          const message = `run ${residency.id} could not be stored`;
          envelope.settle({ error: new RunchartError('commit-failed', message, { cause }) });
        },
      )
      .finally(() => this.#letGo(residency));
  }

  #refuseUnknown(residency: Residency, envelope: Envelope): void {
    envelope.settle({ error: new RunchartError('run-unknown', `there is no run ${residency.id}`) });
    this.#letGo(residency);
  }

  // Void turns -------------------------------------------------------------------------------

  /** The program is at fault: nothing of the turn is kept, and the run is rehydrated. */
  #onCrash(residency: Residency, envelope: Envelope, cause: unknown): void {
    this.#parts.logger.error({ run: residency.id, error: cause }, 'a turn could not be decided');
    const error = new RunchartError('internal', 'the message could not be decided', { cause });
    this.#logGivenUp(residency.takeBackLast(envelope, error), residency, envelope, error);
    if (residency.underWay.size === 0) void this.#reload(residency);
  }

  #onVoid(residency: Residency, envelope: Envelope, cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause);
    const code = cause instanceof CommitError ? cause.code : 'turn-refused';
    if (code === 'ownership-lost' || code === 'journal-closed') this.#stop(message);
    this.#parts.logger.warn({ run: residency.id, error: cause }, 'a turn is void');
    residency.isStorageDown = code !== 'turn-refused';
    const error = new RunchartError('commit-failed', message, { cause });
    // An outage may last, and is nobody's fault.
    const isKept = residency.takeBack(envelope, error, code === 'turn-refused');
    this.#logGivenUp(isKept, residency, envelope, error);
  }

  #logGivenUp(isKept: boolean, { id }: Residency, envelope: Envelope, error: RunchartError): void {
    if (isKept) return;
    const message = envelope.message.type;
    this.#parts.logger.error({ run: id, message, error }, 'a message was given up');
  }

  /** This process cannot make anything durable any more: it decides nothing and starts nothing. */
  #stop(why: string): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = new RunchartError('closing', `this process writes no more: ${why}`);
    this.#takeNoMore();
    this.#attempts.abortAll(why);
    this.#parts.logger.error({ why }, 'stopped');
  }

  async #reload(residency: Residency): Promise<void> {
    residency.state = 'loading';
    residency.requeueVoided();
    if (this.#stopped !== undefined) return this.#refuse(residency, this.#stopped);
    if (residency.isStorageDown) await elapse(this.#parts.environment.clock, STORAGE_RETRY_MS);
    if (residency.actor !== undefined) this.#parts.journal.release(residency.actor.record.run);
    residency.actor = undefined;
    residency.lastCommit = Promise.resolve();
    await this.#load(residency);
  }

  // Residency --------------------------------------------------------------------------------

  async #load(residency: Residency): Promise<void> {
    const { id } = residency;
    try {
      const creation = residency.inbox.peek()?.creation;
      const loaded = await this.#loader.load(id, creation, this.#actorServices(id));
      Object.assign(residency, loaded, { state: 'active' });
    } catch (error) {
      this.#parts.logger.error({ run: id, error }, 'the run could not be loaded');
      return this.#onUnreadable(residency, error as RunchartError);
    }
    this.#adopt(residency);
    this.#pump.schedule(residency);
    this.#letGo(residency);
  }

  /** A run that cannot be restored is refused; one that cannot be read now keeps its internal messages. */
  async #onUnreadable(residency: Residency, error: RunchartError): Promise<void> {
    residency.refuseInbox(error, error.retryable && !this.#isClosed);
    if (residency.inbox.size === 0) return this.#forget(residency);
    await elapse(this.#parts.environment.clock, STORAGE_RETRY_MS);
    await this.#load(residency);
  }

  #adopt({ id, actor, isStuck }: Residency): void {
    // What cannot go on here has nothing at work here.
    const permits = isStuck ? [] : (actor?.permits ?? []);
    this.#desk.adopt(id, permits);
    if (actor === undefined) return;
    if (!isStuck) this.work.turnEnded(actor, false);
    this.live.setResident(id, true);
    if (actor.seq === 0) return;
    this.live.committed({ id, status: actor.status, seq: actor.seq, nodes: actor.nodeCounts() });
    // What was left to decide, or waited for a slot, goes on with any turn.
    if (actor.wantsTurn && !this.#isClosing) this.#tell(id, { type: 'turn.continue' });
  }

  #refuse(residency: Residency, error: RunchartError): void {
    residency.refuseInbox(error);
    this.#forget(residency);
  }

  /** Forgets a run that only a message from outside can move, or that is one too many. */
  #letGo(residency: Residency): void {
    if (residency.state !== 'active' || !residency.isQuiet) return;
    const { actor, obstacle } = residency;
    const isOneTooMany = this.#runs.size > this.#parts.limits.maxResidentRuns;
    const isNeeded = actor !== undefined && !actor.isIdle && !residency.isStuck;
    if (isNeeded && (!isOneTooMany || actor.wantsTurn)) return;
    if (obstacle === undefined) this.#obstructed.delete(residency.id);
    else this.#obstructed.set(residency.id, obstacle);
    this.#forget(residency);
  }

  /** The newest turn that was decided. */
  get newestTurn(): number {
    return this.#turn;
  }

  /** The next turn number of the database, for whoever writes turns. */
  nextTurn(): number {
    this.#turn += 1;
    return this.#turn;
  }

  #forget(residency: Residency): void {
    if (this.#runs.get(residency.id) !== residency) return;
    this.#runs.delete(residency.id);
    this.live.setResident(residency.id, false);
    this.#noticeQuiet();
  }

  #actorServices(run: string): RunActorServices {
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
      place: (handler) => registry.place(handler),
      nextTurn: () => this.nextTurn(),
      slots: this.#desk.slotsOf(run),
    };
  }
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function nameOf({ node, generation, attempt }: AttemptName): AttemptName {
  return { node, generation, attempt };
}

function conflictingStart(id: string): RunchartError {
  return new RunchartError('run-conflict', `run ${id} exists with another plan or input`, {
    hint: 'use another id, or start it with the same plan and input',
  });
}
