/**
 * Drives the supervisor in tests: storage in memory, a simulated clock, and handlers that end when
 * the test says so. A process stop is a supervisor that can commit no more, and a new one over the
 * same rows. Nothing here sleeps: `settle` drains the event loop until nothing is under way.
 */
import type { HandlerPolicy } from '../../src/actors/admission/handler-policy.js';
import type { ChildStart } from '../../src/actors/child-runs.js';
import type { Environment } from '../../src/actors/environment.js';
import { HandlerRegistry } from '../../src/actors/handler-registry.js';
import type {
  HandlerContext,
  HandlerFunction,
  Handlers,
  Logger,
} from '../../src/actors/handlers.js';
import type { RunMessage, TaskResponseMessage } from '../../src/actors/messages.js';
import { PlanCache } from '../../src/actors/plan-cache.js';
import type { Journal, RunStore } from '../../src/actors/ports.js';
import type { EventRecord, RunRecord, RunSettings, TurnRecord } from '../../src/actors/records.js';
import { Supervisor, type SupervisorLimits } from '../../src/actors/supervisor.js';
import { RunchartError } from '../../src/errors.js';
import { isFinal, type NodeStatus, type RunStatus } from '../../src/machines/statuses.js';
import { canonicalJson } from '../../src/plan/canonical.js';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import type { JsonValue } from '../../src/plan/json.js';
import type { PlanVersion } from '../../src/plan/plan-version.js';
import { draftOfSubplan } from '../../src/plan/subplans.js';
import { type MemoryRun, MemoryStorage } from '../../src/testing/memory-storage.js';
import { SimulatedClock, simulatedEnvironment } from '../../src/testing/simulation.js';
import { expectRebuilt, versionsIn } from './rebuilt.js';

export interface KernelOptions extends Partial<SupervisorLimits> {
  readonly seed?: number;
  /** Handlers beside `work`, whose attempts stay open until the test ends them. */
  readonly handlers?: Handlers;
  readonly executors?: readonly string[];
  /** Limits of single handlers. */
  readonly policies?: Readonly<Record<string, HandlerPolicy>>;
  /** Leaves it to the test to compare rows with the log. */
  readonly isUnchecked?: boolean;
  /** Wraps the store, to make reads fail. */
  readonly store?: (store: RunStore) => RunStore;
}

/** An attempt whose handler is at work. */
export interface OpenAttempt {
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
  readonly key: string;
  readonly input: JsonValue | undefined;
  readonly context: HandlerContext;
  return(value: unknown): void;
  throw(error: unknown): void;
}

export interface StartOptions {
  readonly id?: string;
  readonly input?: JsonValue;
  readonly concurrency?: number;
  readonly digest?: string;
  readonly isFresh?: boolean;
  readonly settings?: RunSettings;
}

/** What is left of a run when everything has settled. */
export interface RunSummary {
  readonly status: RunStatus;
  /** Status of every node of the plan, those without a row too. */
  readonly nodes: Readonly<Record<string, NodeStatus>>;
  readonly outputs: Readonly<Record<string, JsonValue>>;
  readonly inputs: Readonly<Record<string, JsonValue>>;
}

const LIMITS: SupervisorLimits = {
  concurrency: 1_000,
  maxResidentRuns: 1_000,
  maxTurnSize: 1_000,
  maxTurnsUnderWay: 1_000,
  maxInbox: 1_000,
  graceMs: 1_000,
  inlinePayloadBytes: 64 * 1024,
  maxPayloadBytes: 1024 * 1024,
};

/** An answer as the API sends it. */
export function respondMessage(
  answer: Pick<TaskResponseMessage, 'task'> & Partial<TaskResponseMessage>,
): TaskResponseMessage {
  const nothing = { node: '', responder: null, groups: [], digest: null, messageId: null };
  return {
    type: 'task.respond',
    response: null,
    comment: null,
    product: null,
    ...nothing,
    ...answer,
  };
}

export class Kernel {
  readonly storage = new MemoryStorage();
  /** Keys of all attempts that were handed to the handler `work`, in order. */
  readonly executions: string[] = [];
  /** What those were given, as JSON text by their keys. */
  readonly given = new Map<string, string>();
  /** Errors that the supervisor logged. */
  readonly complaints: string[] = [];
  supervisor: Supervisor;
  clock: SimulatedClock;
  readonly #options: KernelOptions;
  #handlers: Handlers;
  readonly #seeded: Environment;
  readonly #stored = versionsIn(this.storage);
  /** How far each run was when it was last seen to follow from its log. */
  readonly #rebuilt = new WeakMap<MemoryRun, string>();
  readonly #versions = new Map<string, PlanVersion>();
  readonly #open = new Map<string, OpenAttempt>();
  #runs = 0;
  #life = new Life();

  constructor(options: KernelOptions = {}) {
    this.#options = options;
    this.#handlers = options.handlers ?? {};
    const environment = simulatedEnvironment(options.seed ?? 1);
    this.#seeded = environment;
    this.clock = environment.clock;
    this.supervisor = this.#supervise(0);
  }

  // Starting and telling ---------------------------------------------------------------------

  /** Starts a run; resolves when its first turn is durable. */
  async start(version: PlanVersion, options: StartOptions = {}): Promise<unknown> {
    const record = this.#newRecord(version, options);
    this.#versions.set(record.id, version);
    await this.storage.journal.storePlan(version.hash, canonicalJson(version.plan), 'Test', 0);
    return this.supervisor.start({ isFresh: options.isFresh ?? false, record, version });
  }

  #newRecord(version: PlanVersion, options: StartOptions): RunRecord {
    this.#runs += 1;
    const now = this.clock.now();
    return {
      run: this.#runs,
      id: options.id ?? 'r1',
      planHash: version.hash,
      status: 'pending',
      inputJson: JSON.stringify(options.input ?? {}),
      startDigest: options.digest ?? 'digest',
      metadataJson: null,
      concurrency: options.concurrency ?? version.plan.concurrency ?? 1_000,
      createdAt: now,
      updatedAt: now,
      endedAt: null,
      reasonJson: null,
      parentId: null,
      parentNode: null,
      settingsJson: options.settings === undefined ? null : JSON.stringify(options.settings),
      usageJson: null,
      outputJson: null,
      originJson: null,
      trimmedTo: 0,
      pastPlansJson: null,
    };
  }

  send(message: RunMessage, run = 'r1'): Promise<unknown> {
    return this.supervisor.send(run, message);
  }

  cancel(run = 'r1', reason: string | null = null): Promise<unknown> {
    return this.send({ type: 'run.cancel', reason, by: null }, run);
  }

  /** Answers the open task of a node. */
  respond(node: string, response: JsonValue, responder: string | null = null, run = 'r1') {
    return this.send(
      respondMessage({ task: this.task(node, run), node, response, responder }),
      run,
    );
  }

  // Attempts ---------------------------------------------------------------------------------

  /** Attempts at work, in plan order within a run. */
  open(run = 'r1'): OpenAttempt[] {
    const position = (id: string) => this.version(run).graph.positionOf.get(id) ?? 0;
    return [...this.#open.values()]
      .filter((attempt) => attempt.run === run)
      .sort((a, b) => position(a.node) - position(b.node));
  }

  /** Ids of the nodes at work, in plan order. */
  working(run = 'r1'): string[] {
    return this.open(run).map((attempt) => attempt.node);
  }

  attempt(node: string, run = 'r1'): OpenAttempt {
    // An attempt that ran out of time may still be at work beside its successor.
    const found = this.open(run).findLast((attempt) => attempt.node === node);
    if (found === undefined) throw new Error(`no attempt of "${node}" is open`);
    return found;
  }

  /** Ends a node's attempt with a return value, and waits for all that follows. */
  async finish(node: string, value?: unknown, run = 'r1'): Promise<void> {
    this.attempt(node, run).return(value);
    await this.settle();
  }

  async fail(node: string, error: unknown = new Error('boom'), run = 'r1'): Promise<void> {
    this.attempt(node, run).throw(error);
    await this.settle();
  }

  // Time -------------------------------------------------------------------------------------

  /** Resolves when nothing goes on without the test. */
  async settle(): Promise<void> {
    for (let calm = 0, last = ''; calm < 2; ) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const { turnsUnderWay, residentRuns } = this.supervisor.stats();
      const turns = [...this.storage.runs.values()].reduce((sum, run) => sum + run.turns.length, 0);
      const now = `${turns}/${turnsUnderWay}/${residentRuns}/${this.executions.length}`;
      calm = now === last && (turnsUnderWay === 0 || this.#isStuck) ? calm + 1 : 0;
      last = now;
    }
    if (this.#options.isUnchecked !== true) this.#expectRebuilt();
  }

  /** Whatever a test does: what is stored of a run follows from its log. Of runs that rest that was seen before. */
  #expectRebuilt(): void {
    for (const rows of this.storage.runs.values()) {
      const at = `${rows.turns.length}/${rows.events.length}`;
      if (this.#rebuilt.get(rows) === at) continue;
      expectRebuilt(rows, this.#stored);
      this.#rebuilt.set(rows, at);
    }
  }

  get #isStuck(): boolean {
    return this.#life.isOver || this.storage.isHeld;
  }

  /** Lets time pass, and all that falls due meanwhile happen at its time. */
  async advance(ms: number): Promise<void> {
    const { clock } = this;
    const until = clock.now() + ms;
    for (let next = clock.next; next !== undefined && next < until; next = clock.next) {
      if (next > clock.now()) clock.advance(next - clock.now());
      else break;
      await this.settle();
    }
    clock.advance(until - clock.now());
    await this.settle();
  }

  // Process stops ----------------------------------------------------------------------------

  /** Lets this process commit `turns` more; the answer to the last one may be lost. */
  dieAfter(turns: number, isAnswerLost: boolean): void {
    this.#life.turnsLeft = turns;
    this.#life.isAnswerLost = isAnswerLost;
  }

  get isDead(): boolean {
    return this.#life.isOver;
  }

  /**
   * A new process over the same rows: handlers, memory and turns under way are lost. Without
   * `hasHandlers` it has none registered; `handlers` are those of another program.
   */
  async restart(
    options: {
      readonly recover?: boolean;
      readonly hasHandlers?: boolean;
      readonly handlers?: Handlers;
      readonly beforeRecovery?: () => void;
    } = {},
  ): Promise<void> {
    this.#life.turnsLeft = 0;
    this.#life = new Life();
    this.#open.clear();
    const clock = new SimulatedClock();
    clock.advance(this.clock.now() - clock.now());
    this.clock = clock;
    const { turn } = await this.storage.store.highWater();
    this.#handlers = options.handlers ?? this.#handlers;
    this.supervisor = this.#supervise(turn, options.hasHandlers);
    if (options.recover === false) return;
    options.beforeRecovery?.();
    const recovered = this.supervisor.recover();
    await this.settle();
    if (!this.isDead) await recovered;
  }

  // Looking ----------------------------------------------------------------------------------

  rows(run = 'r1'): MemoryRun {
    const found = this.storage.runs.get(run);
    if (found === undefined) throw new Error(`nothing is stored of run ${run}`);
    return found;
  }

  /** A run that was begun otherwise has this plan. */
  setVersion(run: string, version: PlanVersion): void {
    this.#versions.set(run, version);
  }

  version(run = 'r1'): PlanVersion {
    const found = this.#versions.get(run);
    if (found === undefined) throw new Error(`run ${run} was never started`);
    return found;
  }

  status(run = 'r1'): RunStatus {
    return this.rows(run).record.status;
  }

  /** Id of a node's open task. */
  task(node: string, run = 'r1'): string {
    const found = this.openTasks(run).find((task) => task.node === node);
    if (found === undefined) throw new Error(`node "${node}" has no open task`);
    return found.id;
  }

  openTasks(run = 'r1') {
    return [...this.rows(run).tasks.values()].filter((task) => task.status === 'open');
  }

  summary(run = 'r1'): RunSummary {
    const { record, nodeRuns } = this.rows(run);
    const untouched = isFinal(record.status) ? 'cancelled' : 'pending';
    const nodes: Record<string, NodeStatus> = {};
    const outputs: Record<string, JsonValue> = {};
    const inputs: Record<string, JsonValue> = {};
    for (const { id } of this.version(run).graph.nodes) {
      const row = nodeRuns.get(id);
      nodes[id] = row?.status ?? untouched;
      if (row?.outputJson) outputs[id] = JSON.parse(row.outputJson) as JsonValue;
      if (row?.inputJson) inputs[id] = JSON.parse(row.inputJson) as JsonValue;
    }
    return { status: record.status, nodes, outputs, inputs };
  }

  /** Events as `type node#attempt`, and `type from→to` for those of the run. */
  log(run = 'r1', matches: RegExp = /./): string[] {
    return this.rows(run)
      .events.map(compact)
      .filter((line) => matches.test(line));
  }

  details(type: string, run = 'r1'): JsonValue[] {
    const events = this.rows(run).events.filter((event) => event.type === type);
    return events.map((event) => JSON.parse(event.detailJson) as JsonValue);
  }

  // Parts ------------------------------------------------------------------------------------

  #supervise(lastTurn: number, hasHandlers = true): Supervisor {
    const {
      seed: _seed,
      isUnchecked: _,
      handlers: __,
      executors,
      store,
      policies,
      ...limits
    } = this.#options;
    const life = this.#life;
    const { clock } = this;
    return new Supervisor({
      environment: { clock, id: () => this.#seeded.id(), random: () => this.#seeded.random() },
      journal: life.limit(this.storage.journal),
      store: store?.(this.storage.store) ?? this.storage.store,
      artifacts: this.storage.artifacts,
      plans: new PlanCache(),
      registry: new HandlerRegistry(
        hasHandlers ? { work: this.#work(life), ...this.#handlers } : {},
        executors ?? [],
      ),
      logger: this.#logger,
      policies: new Map(Object.entries(policies ?? {})),
      worker: 'worker',
      lastTurn,
      startChild: (parent, child) => this.#startChild(parent, child),
      limits: { ...LIMITS, ...limits },
    });
  }

  async #startChild(parent: RunRecord, child: ChildStart): Promise<void> {
    const draft = draftOfSubplan(this.version(parent.id).plan, child.plan);
    if (draft === undefined) throw new RunchartError('plan-unknown', `no plan "${child.plan}"`);
    const version = compilePlanOrThrow(draft);
    const options = { id: child.id, input: child.input ?? {}, settings: child.settings };
    const record = { ...this.#newRecord(version, options), concurrency: parent.concurrency };
    this.#versions.set(record.id, version);
    await this.storage.journal.storePlan(version.hash, canonicalJson(version.plan), 'Test', 0);
    const creation = { ...record, parentId: parent.id, parentNode: child.node };
    await this.supervisor.start({ isFresh: false, record: creation, version });
  }

  #work(life: Life): HandlerFunction {
    return (input: JsonValue | undefined, context) => {
      const { run, node, attempt, key } = context;
      if (life !== this.#life) return new Promise(() => {});
      this.executions.push(key);
      this.given.set(key, JSON.stringify(input ?? null));
      return new Promise((resolve, reject) => {
        const end = (how: () => void) => {
          this.#open.delete(key);
          how();
        };
        this.#open.set(key, {
          run,
          node,
          attempt,
          key,
          input,
          context,
          return: (value) => end(() => resolve(value)),
          throw: (error) => end(() => reject(error)),
        });
      });
    };
  }

  get #logger(): Logger {
    const complain = (fields: object, message: string) => {
      const { error } = fields as { error?: unknown };
      this.complaints.push(`${message}: ${describe(error)}`);
    };
    return { debug: () => {}, info: () => {}, warn: complain, error: complain };
  }
}

/** The time between two process stops: how many more turns become durable. */
class Life {
  turnsLeft = Number.POSITIVE_INFINITY;
  isAnswerLost = false;

  get isOver(): boolean {
    return this.turnsLeft <= 0;
  }

  limit(journal: Journal): Journal {
    return {
      ...journal,
      commit: (turn) => this.#commit(journal, turn),
      write: (rows) => (this.isOver ? new Promise(() => {}) : journal.write(rows)),
    };
  }

  #commit(journal: Journal, turn: TurnRecord): Promise<void> {
    if (this.isOver) return new Promise(() => {});
    this.turnsLeft -= 1;
    const committed = journal.commit(turn);
    return this.isOver && this.isAnswerLost ? new Promise(() => {}) : committed;
  }
}

export function compact({ type, node, attempt, detailJson }: EventRecord): string {
  if (node !== null) return `${type} ${node}${attempt === null ? '' : `#${attempt}`}`;
  const { from, to } = JSON.parse(detailJson) as { from?: string | null; to?: string };
  return to === undefined || type.startsWith('nodes.') ? type : `${type} ${from ?? ''}→${to}`;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${describe(error.cause)})`;
}
