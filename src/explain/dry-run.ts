/**
 * One path of a dry run: the real engine in a simulated world, in which handlers, people and signals
 * are stood in for. Whatever could come otherwise is a choice; answers are given before time passes.
 */
import type { HandlerContext, Handlers, Logger } from '../actors/handlers.js';
import { isFinal, type RunStatus } from '../machines/statuses.js';
import { executorsOf } from '../plan/executors.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { Plan } from '../plan/schema.js';
import { Faults } from '../testing/faults.js';
import { SimulationError } from '../testing/simulation-error.js';
import type { TestRun } from '../testing/test-run.js';
import { DEFAULT_MAX_TIME_MS, World } from '../testing/world.js';
import type { Choices } from './choices.js';
import { Decisions, type Warning } from './decisions.js';
import { shorten } from './givens.js';
import { type Observations, observe } from './observations.js';
import { groupsOfStandIn, Replies } from './replies.js';
import type { Stage } from './stage.js';
import { StagedRuns } from './staged-runs.js';
import { StandIns } from './stand-ins.js';

/** One way through a plan. */
export interface DryRun extends Observations {
  readonly status: RunStatus;
  readonly reason: JsonObject | null;
  /** Simulated time from its start to its end. */
  readonly durationMs: number;
  /** It did not come to its end within the limits. */
  readonly isCut: boolean;
  readonly warnings: readonly Warning[];
}

type Work = (input: JsonValue | undefined, context: HandlerContext) => unknown;

const RUN = 'run';
const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export async function dryRun(stage: Stage, choices: Choices): Promise<DryRun> {
  const world = await openWorld(stage, (input, context) => rehearsal.work(input, context));
  const rehearsal: Rehearsal = new Rehearsal(stage, choices, world);
  return rehearsal.perform();
}

function openWorld({ root, maxSteps, seed, evaluators }: Stage, work: Work): Promise<World> {
  const { handlers, owners } = executorsOf(root.index.version.plan);
  return World.open({
    handlers: Object.fromEntries([...handlers].map((key) => [key, work])) as Handlers,
    executors: [...owners],
    groups: groupsOfStandIn,
    evaluators,
    seed,
    limits: {},
    logger: SILENT,
    faults: new Faults(),
    holdsHandlers: false,
    maxTimeMs: DEFAULT_MAX_TIME_MS,
    maxSteps,
    patienceMs: 10_000,
  });
}

class Rehearsal {
  readonly #stage: Stage;
  readonly #world: World;
  readonly #runs: StagedRuns;
  readonly #decisions: Decisions;
  readonly #standIns: StandIns;
  readonly #replies: Replies;
  #steps = 0;

  constructor(stage: Stage, choices: Choices, world: World) {
    this.#stage = stage;
    this.#world = world;
    this.#runs = new StagedRuns(stage, world.storage);
    this.#decisions = new Decisions(stage, choices);
    this.#standIns = new StandIns(this.#runs, this.#decisions, stage.fails);
    this.#replies = new Replies(world, this.#runs, this.#decisions);
  }

  work(input: JsonValue | undefined, context: HandlerContext): unknown {
    this.#step();
    return this.#standIns.work(input, context);
  }

  async perform(): Promise<DryRun> {
    const { clock } = this.#world;
    const { plan } = this.#stage.root.index.version;
    const startedAt = clock.now();
    const input = this.#pickInput();
    const run = await this.#world.start(plan as Plan, { input, id: RUN, requestedBy: 'simulated' });
    const isCut = await this.#goOn(run);
    return {
      ...observe(this.#runs, this.#decisions),
      status: run.status,
      reason: run.reason,
      durationMs: clock.now() - startedAt,
      isCut,
      warnings: this.#decisions.warnings,
    };
  }

  #pickInput(): JsonValue {
    const { inputs } = this.#stage;
    const labels = inputs.map((value) => `input ${shorten(value)}`);
    return inputs[this.#decisions.pick({ name: '', path: '' }, labels)] ?? {};
  }

  /** Goes on to the end; true where a limit was met before it. */
  async #goOn(run: TestRun): Promise<boolean> {
    try {
      for (;;) {
        await this.#world.advance(0);
        if (isFinal(run.status)) return false;
        this.#step();
        if (await this.#replies.answerOne()) continue;
        if (run.status === 'blocked' || run.status === 'paused') return false;
        if (!this.#world.isTimeAwaited(run.id)) return false;
        const { eventCount } = this.#world;
        await this.#world.skip(() => this.#world.eventCount > eventCount);
      }
    } catch (error) {
      if (!isLimit(error)) throw error;
      const message = `a path did not come to its end within ${this.#stage.maxSteps} steps`;
      this.#decisions.warn('path-cut', message);
      return true;
    }
  }

  #step(): void {
    this.#steps += 1;
    if (this.#steps > this.#stage.maxSteps) throw new SimulationError('step-limit', 'too long');
  }
}

function isLimit(error: unknown): boolean {
  return (
    error instanceof SimulationError &&
    (error.code === 'step-limit' || error.code === 'time-limit' || error.code === 'stalled')
  );
}
