/**
 * Goes through a run step by step, forth and back. A step is all that follows from one outside happening
 * until nothing more happens without the outside. Invariant: going back repeats the steps before from the
 * start, with what their handlers told then, and reaches the same rows; no handler is called for it.
 */
import { isFinal, type NodeStatus, type RunStatus } from '../machines/statuses.js';
import type { JsonValue } from '../plan/json.js';
import { type Answer, answerTask } from './answer-task.js';
import type { Report } from './handler-gate.js';
import { SimulationError } from './simulation-error.js';
import type { TestRun } from './test-run.js';
import { World, type WorldOptions } from './world.js';

/** Where a run stands between two steps. */
export interface StepperState {
  /** Steps from the start. */
  readonly step: number;
  readonly status: RunStatus;
  /** Status of every node of the plan, by id. */
  readonly nodes: Readonly<Record<string, NodeStatus>>;
  /** Nodes whose handlers are held back, in the order in which `next` lets them run. */
  readonly held: readonly string[];
  /** Number of the newest event. */
  readonly seq: number;
  /** Simulated time. */
  readonly at: number;
}

type Happening =
  | { readonly type: 'handler'; readonly key: string; readonly reports: readonly Report[] }
  | { readonly type: 'time' }
  | { readonly type: 'answer'; readonly answer: Answer };

interface RecordedStep {
  readonly happening: Happening;
  /** Number of events after it, in all runs. */
  readonly eventCount: number;
}

interface Scene {
  readonly world: World;
  readonly run: TestRun;
}

type Begin = (world: World) => Promise<TestRun>;

/** A run that goes forth and back, a step at a time. `kit.stepper` makes it. */
export class Stepper {
  readonly #maxSteps: number;
  readonly #setScene: () => Promise<Scene>;
  readonly #steps: RecordedStep[] = [];
  #scene: Scene;
  #place = 0;

  /** A new world in which `begin` starts the run; its handlers are held back. */
  static async start(options: WorldOptions, begin: Begin): Promise<Stepper> {
    const ordered = options.faults.copy();
    const setScene = async () => {
      const world = await World.open({ ...options, faults: ordered.copy(), holdsHandlers: true });
      return { world, run: await begin(world) };
    };
    return new Stepper(options.maxSteps, setScene, await setScene());
  }

  private constructor(maxSteps: number, setScene: () => Promise<Scene>, scene: Scene) {
    this.#maxSteps = maxSteps;
    this.#setScene = setScene;
    this.#scene = scene;
  }

  /** The run as it is at this step: its log, its trace, its tasks. Another object after going back. */
  get run(): TestRun {
    return this.#scene.run;
  }

  get state(): StepperState {
    const { run, world } = this.#scene;
    const held = world.gate.attempts.filter(({ phase }) => phase === 'held');
    return {
      step: this.#place,
      status: run.status,
      nodes: run.nodes,
      held: held.map(({ context }) => context.node),
      seq: run.log.length,
      at: world.clock.now(),
    };
  }

  /** There is no next step without somebody's doing: the run has ended, or waits for a person with no time set. */
  get isDone(): boolean {
    if (this.#place < this.#steps.length) return false;
    if (isFinal(this.run.status)) return true;
    return this.#candidate === undefined && !this.#scene.world.isTimeAwaited(this.run.id);
  }

  /** Lets the oldest handler that is held run and end, or else the next timer fire; without either, nothing. */
  async next(): Promise<StepperState> {
    const recorded = this.#steps[this.#place];
    if (recorded !== undefined) await this.#repeat(recorded);
    else if (!this.isDone) this.#record(await this.#happen(this.#nextHappening));
    return this.state;
  }

  /** Goes on until there is no next step. Rejects with `step-limit`. */
  async continue(): Promise<StepperState> {
    for (let steps = 0; !this.isDone; steps += 1) {
      if (steps === this.#maxSteps) throw this.#failure('step-limit', `no rest in ${steps} steps`);
      await this.next();
    }
    return this.state;
  }

  /**
   * Answers the open task of a node, as a step; steps that were recorded beyond this one are forgotten.
   * Rejects with `no-open-task`, and as `respond` of the orchestrator does where the answer is refused.
   */
  async respond(
    node: string,
    response: JsonValue,
    options: { readonly responder?: string } = {},
  ): Promise<StepperState> {
    const { world, run } = this.#scene;
    const { eventCount } = world;
    const answer = { node, response, ...options };
    const refusals: unknown[] = [];
    await answerTask(world, run, answer).catch((error: unknown) => refusals.push(error));
    // A refusal that stands in the log has happened, too.
    if (refusals.length === 0 || world.eventCount > eventCount) {
      this.#record({ type: 'answer', answer });
    }
    if (refusals.length > 0) throw refusals[0];
    return this.state;
  }

  /** Goes back to the state before the last step; at the start, nothing changes. */
  async prev(): Promise<StepperState> {
    if (this.#place > 0) await this.#goTo(this.#place - 1);
    return this.state;
  }

  /** Goes back to the start. */
  async reset(): Promise<StepperState> {
    await this.#goTo(0);
    return this.state;
  }

  async #goTo(place: number): Promise<void> {
    this.#scene = await this.#setScene();
    this.#place = 0;
    for (const step of this.#steps.slice(0, place)) await this.#repeat(step);
  }

  get #candidate() {
    const { gate } = this.#scene.world;
    return gate.attempts.find(({ phase, reports }) => phase === 'held' || reports.length > 0);
  }

  get #nextHappening(): Happening {
    const attempt = this.#candidate;
    if (attempt === undefined) return { type: 'time' };
    return { type: 'handler', key: attempt.context.key, reports: [] };
  }

  #record(happening: Happening): void {
    const { eventCount } = this.#scene.world;
    this.#steps.splice(this.#place, this.#steps.length, { happening, eventCount });
    this.#place += 1;
  }

  async #repeat({ happening, eventCount }: RecordedStep): Promise<void> {
    await this.#happen(happening);
    this.#place += 1;
    const reached = this.#scene.world.eventCount;
    if (reached === eventCount) return;
    const why = `step ${this.#place} led to ${eventCount} events before, and to ${reached} now`;
    throw this.#failure('diverged', why);
  }

  #failure(code: 'diverged' | 'step-limit', why: string): SimulationError {
    return new SimulationError(code, `${why}\n\n${this.run.log.print(20)}`);
  }

  /** Resolves with the happening as it can be repeated. */
  async #happen(happening: Happening): Promise<Happening> {
    const { world, run } = this.#scene;
    switch (happening.type) {
      case 'handler':
        return this.#hear(happening.key, happening.reports);
      case 'answer':
        await answerTask(world, run, happening.answer).catch(() => {});
        break;
      case 'time': {
        const { eventCount } = world;
        await world.skip(() => world.eventCount > eventCount || this.#candidate !== undefined);
      }
    }
    return happening;
  }

  async #hear(key: string, told: readonly Report[]): Promise<Happening> {
    const { world } = this.#scene;
    const attempt = world.gate.get(key);
    if (attempt === undefined) throw this.#failure('diverged', `${key} has not begun`);
    if (attempt.phase === 'held' && told.length > 0) attempt.end(...told);
    else if (attempt.phase === 'held') await world.perform(attempt);
    const reports = [...attempt.reports];
    while (attempt.reports.length > 0) {
      world.gate.release(attempt);
      await world.drain();
    }
    return { type: 'handler', key, reports };
  }
}
