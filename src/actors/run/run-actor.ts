/**
 * A resident run: takes one message at a time and returns the turn that it causes. Memory is ahead
 * of the disk until the turn is durable; a run whose turn is void is thrown away and rehydrated.
 */
import { isFinal, type RunStatus } from '../../machines/statuses.js';
import type { PlanVersion } from '../../plan/plan-version.js';
import { reportOf } from '../child-report.js';
import { answerAgain, type KeyedCall, keptAnswer, type Outcome } from '../idempotency.js';
import type { LiveRun } from '../live-index.js';
import type { AttemptName, ChildMessage, RunMessage } from '../messages.js';
import type { RunRecord, StoredRun } from '../records.js';
import { Turn } from '../turn.js';
import { ActorTree, UnrestorableError } from './actor-tree.js';
import { handlerIn } from './attempt-work.js';
import { forgetLackingIfTold, leaseOf } from './claiming.js';
import type { DeciderServices } from './decider.js';
import { onMessage } from './on-message.js';
import { type Permit, permitOf } from './permits.js';
import { restoreModel, resumeDecisions, resumeEnding } from './restore-model.js';
import { RunModel } from './run-model.js';
import { TurnDecider } from './turn-decider.js';

export interface RunActorServices extends DeciderServices {
  /** The next turn number of the database. */
  nextTurn(): number;
}

/** States in which an attempt is wanted. */
const WORKS: ReadonlySet<string> = new Set(['working', 'fallback', 'checking', 'checkingFallback']);

const DEFAULT_PRIORITY = 5;

export class RunActor {
  readonly #model: RunModel;
  readonly #tree: ActorTree;
  readonly #services: RunActorServices;

  private constructor(model: RunModel, tree: ActorTree, services: RunActorServices) {
    this.#model = model;
    this.#tree = tree;
    this.#services = services;
  }

  /** A new run; its first message is `run.start`. */
  static create(record: RunRecord, version: PlanVersion, services: RunActorServices): RunActor {
    const model = new RunModel(record, version, services.place);
    return new RunActor(model, new ActorTree(record.id), services);
  }

  /** A run as it was stored. Throws UnrestorableError where this program cannot restore it. */
  static rehydrate(stored: StoredRun, version: PlanVersion, services: RunActorServices): RunActor {
    const model = restoreModel(stored, version, services.place);
    const root = stored.snapshots.find((snapshot) => snapshot.actor === '');
    if (root === undefined) {
      throw new UnrestorableError(`run ${stored.record.id} has no snapshot`);
    }
    const tree = new ActorTree(stored.record.id, root);
    for (const snapshot of stored.snapshots) if (snapshot.actor !== '') tree.restoreNode(snapshot);
    for (const path of tree.openNodes()) {
      const run = model.nodeRun(path);
      const context = tree.contextOf(path);
      if (context !== undefined) run.takeContext(context);
      if (!run.hasSlot) continue;
      // What is told to stop may be its fallback's work: the lease knows.
      run.handler =
        model.work.held.get(path)?.entry?.handler ??
        (leaseOf({ model }, run).handler || handlerIn(tree.stateOf(path), run));
    }
    // One that is to start later has decided nothing.
    if (!isFinal(stored.record.status) && stored.record.status !== 'pending') {
      if (tree.ending === undefined) {
        resumeDecisions(model, (node) => tree.stateOf(node.path));
      } else resumeEnding(model, (node) => tree.stateOf(node.path));
    }
    if (model.lacking.size > 0) forgetLackingIfTold(model, services.refused);
    return new RunActor(model, tree, services);
  }

  get id(): string {
    return this.#model.record.id;
  }

  get version(): PlanVersion {
    return this.#model.version;
  }

  get record(): RunRecord {
    return this.#model.record;
  }

  get status(): RunStatus {
    return this.#tree.runStatus;
  }

  /** Whether it is failing or being cancelled: what goes on then needs no handler. */
  get isEnding(): boolean {
    return this.#tree.ending !== undefined;
  }

  get seq(): number {
    return this.#model.seq;
  }

  /** As those see it who watch the run. */
  get live(): LiveRun {
    return { id: this.id, status: this.status, seq: this.seq, nodes: this.#model.counts() };
  }

  /** Number of node runs that hold a slot. */
  get slotsHeld(): number {
    return this.#model.work.slots;
  }

  /** What its attempts at work were let in with. */
  get permits(): readonly Permit[] {
    return [...this.#model.work.openAttempts.keys()]
      .map((path) => this.#model.nodeRun(path))
      .filter((run) => run.hasSlot)
      .map(permitOf);
  }

  /** From 0 to 9; where slots are scarce 9 goes first. */
  get priority(): number {
    const { settings, version } = this.#model;
    return settings.priority ?? version.plan.priority ?? DEFAULT_PRIORITY;
  }

  /** Whether a ready node waits for a slot of the process, the run itself having room for it. */
  get wantsSlot(): boolean {
    const { work, record, waiting } = this.#model;
    return this.#mayStart && waiting.size > 0 && work.slots < record.concurrency;
  }

  /** Nothing starts while the run is paused, or somebody is asked about it. */
  get #mayStart(): boolean {
    return this.status === 'running' && !this.#model.tasks.has('');
  }

  /** Whether the next turn, whatever causes it, has something to go on with. */
  get wantsTurn(): boolean {
    return this.wantsSlot || this.#model.withdrawing.size > 0 || this.#hasUndecided;
  }

  get #hasUndecided(): boolean {
    return this.#mayStart && this.#model.hasUndecided && !this.isEnding;
  }

  /**
   * Nothing goes on except by a message: a result of a person, a child or a timer, all of which are
   * rows. The run can be forgotten until then.
   */
  get isIdle(): boolean {
    const { work, waiting } = this.#model;
    if (!work.isAllOutside || this.wantsTurn) return false;
    return !this.#mayStart || waiting.size === 0;
  }

  /** How many attempts workers outside could claim now, by handler; undefined where there is none. */
  get offers(): ReadonlyMap<string, number> | undefined {
    const { offered, work, record } = this.#model;
    if (offered.size === 0 || !this.#mayStart) return undefined;
    return new Map(work.slots < record.concurrency ? offered.counts : []);
  }

  /** Whether this attempt is the one that should be working now. */
  isCurrent({ node, generation, attempt }: AttemptName): boolean {
    const run = this.#model.find(node);
    if (run === undefined || !WORKS.has(this.#tree.stateOf(node))) return false;
    return run.generation === generation && run.attempt === attempt;
  }

  /** What the run that it is a subplan of is told of it. */
  get report(): ChildMessage | undefined {
    const { record } = this.#model;
    return record.parentId === null ? undefined : reportOf(record);
  }

  /** What a call was answered before; undefined where its key is new. */
  answerTo(call: KeyedCall): Outcome | undefined {
    const known = this.#model.answers.get(call.key);
    return known && answerAgain(known, call);
  }

  /**
   * Decides what the message causes; with a call, what that is answered is kept in the turn. Throws only where
   * the program itself is at fault.
   */
  handle(message: RunMessage, call?: KeyedCall): Turn {
    const turn = this.#decide(message);
    if (call === undefined) return turn;
    const { refusal, reply, at } = turn;
    const outcome = refusal === undefined ? { reply } : { error: refusal };
    turn.keptAnswer = keptAnswer(this.#model.record.run, call, outcome, at);
    this.#model.keepAnswer(turn.keptAnswer);
    return turn;
  }

  #decide(message: RunMessage): Turn {
    const { environment, nextTurn } = this.#services;
    const turn = new Turn({
      run: this.#model.record.run,
      of: this.id,
      number: nextTurn(),
      reason: message.type,
      at: environment.clock.now(),
      seq: this.#model.seq,
    });
    const decider = new TurnDecider(this.#model, this.#tree, turn, this.#services);
    onMessage(decider, message);
    // It only asks what would be.
    if (message.type === 'run.replan' && message.isDryRun) return turn;
    if (!isFinal(this.status) || !turn.isEmpty) decider.finish();
    return turn;
  }
}
