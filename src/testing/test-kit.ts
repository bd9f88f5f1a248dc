/** The kit that tests of plans and handlers are written with: the real engine in a simulated world. */
import type { AuditOptions } from '../access/audit-trail.js';
import type { Handlers, Logger } from '../actors/handlers.js';
import type { Middleware } from '../actors/middleware.js';
import type { WebhookOptions } from '../delivery/new-delivery.js';
import type { SendWebhook } from '../delivery/send.js';
import type { Orchestrator } from '../orchestrator.js';
import type { GivenServices, OrchestratorLimits } from '../orchestrator-options.js';
import type { PlanFor } from '../plan/builder.js';
import type { Evaluators } from '../plan/evaluator.js';
import type { JsonValue } from '../plan/json.js';
import type { RunReader } from '../run-reader.js';
import type { StartOptions } from '../start-options.js';
import type { Groups, RespondOptions } from '../tasks.js';
import { answerTask } from './answer-task.js';
import { durationMs } from './duration.js';
import { Faults } from './faults.js';
import { Stepper } from './stepper.js';
import type { TestRun } from './test-run.js';
import { DEFAULT_MAX_TIME_MS, World, type WorldOptions } from './world.js';

/** What a simulated world is opened with. */
export interface TestKitOptions<Services = unknown> {
  readonly handlers: Handlers<Services>;
  /** Owners that need no handler, as `user/alice`. */
  readonly executors?: readonly string[];
  /** Who belongs to which group, as for an orchestrator. */
  readonly groups?: Groups;
  /** Of languages beside CEL, as for an orchestrator. */
  readonly evaluators?: Evaluators;
  /** How much of the audit is kept, as for an orchestrator. */
  readonly audit?: AuditOptions;
  /** What handlers find in their context, and what is put around them, as for an orchestrator. */
  readonly services?: Services;
  readonly middleware?: readonly Middleware<Services>[];
  readonly webhooks?: WebhookOptions;
  /** Takes the place of receivers of webhooks; without it every delivery fails. */
  readonly sendWebhook?: SendWebhook;
  /** The same seed gives the same ids, the same jitter and so the same log; 1 unless given. */
  readonly seed?: number;
  readonly limits?: Partial<OrchestratorLimits>;
  /** Where the engine and handlers write; kept in `complaints` alone unless given. */
  readonly logger?: Logger;
  /** Simulated time that one call may pass, in milliseconds or as a text such as `7d`; ten years unless given. */
  readonly maxTime?: number | string;
  /** Reports of handlers and wake-ups that one call may take; 100,000 unless given. */
  readonly maxSteps?: number;
  /** Real time that is waited for handlers at work, in milliseconds; 10,000 unless given. */
  readonly patienceMs?: number;
}

/** Opens a world of its own: storage in memory, simulated time, a seed. */
export async function testKit<Services = unknown>(
  options: TestKitOptions<Services> & GivenServices<NoInfer<Services>>,
): Promise<TestKit> {
  const {
    handlers,
    executors = [],
    groups,
    evaluators = {},
    audit,
    seed = 1,
    limits = {},
    maxTime = DEFAULT_MAX_TIME_MS,
  } = options;
  const { maxSteps = 100_000, patienceMs = 10_000 } = options;
  const complaints: string[] = [];
  const world: WorldOptions = {
    handlers,
    executors,
    groups,
    evaluators,
    audit,
    services: options.services,
    middleware: options.middleware as readonly Middleware[] | undefined,
    webhooks: options.webhooks,
    sendWebhook: options.sendWebhook,
    seed,
    limits,
    logger: complainTo(complaints, options.logger),
    faults: new Faults(),
    holdsHandlers: false,
    maxTimeMs: durationMs(maxTime),
    maxSteps,
    patienceMs,
  };
  return new TestKit(await World.open(world), world, complaints);
}

/** A simulated world with the real engine in it. `testKit` opens it. */
export class TestKit {
  /** Faults to come. */
  readonly faults: Faults;
  /** Warnings and errors that the engine and handlers logged. */
  readonly complaints: readonly string[];
  readonly #world: World;
  readonly #options: WorldOptions;

  /** Made by `testKit`. */
  constructor(world: World, options: WorldOptions, complaints: readonly string[]) {
    this.#world = world;
    this.#options = options;
    this.faults = options.faults;
    this.complaints = complaints;
  }

  /** Simulated time: `now()`, and `next`, when the next wake-up is due. */
  get clock(): { now(): number; readonly next: number | undefined } {
    return this.#world.clock;
  }

  /** The engine of the process that lives now. What it is asked directly is followed up by `drain` or `settle`. */
  get orchestrator(): Orchestrator {
    return this.#world.orchestrator;
  }

  /** Reads: lists, details, events, states at earlier events. */
  get runs(): RunReader {
    return this.#world.orchestrator.runs;
  }

  /**
   * Starts a run and goes on, skipping time, until it has ended or only somebody's doing moves it.
   * A run that fails is no error. Rejects as `start` of the orchestrator does, and with a
   * SimulationError that prints the end of the log where the run does not come to rest.
   */
  async run<Input>(plan: PlanFor<Input>, options: StartOptions<Input> = {}): Promise<TestRun> {
    const run = await this.start(plan, options);
    await this.settle(run);
    return run;
  }

  /** Starts a run and stays where handlers have begun and none has been heard. */
  start<Input>(plan: PlanFor<Input>, options: StartOptions<Input> = {}): Promise<TestRun> {
    return this.#world.start(plan, options);
  }

  /** The run with an id, for instance one that a subplan has started; rejects with `run-unknown`. */
  async get(id: string): Promise<TestRun> {
    await this.runs.summary(id);
    return this.#world.view(id);
  }

  /** Goes on, skipping time, until the run has ended or only somebody's doing moves it. */
  settle(run: TestRun): Promise<void> {
    return this.#world.settle(run.id);
  }

  /**
   * Resolves when no message waits, no turn is under way, and all handlers at work wait for something
   * outside, and everything durable has been delivered to the subscribers of the bus. No outcome of a
   * handler is heard, and no time passes but what a subscriber waits for.
   */
  async drain(): Promise<void> {
    await this.#world.drain();
    await this.#world.ask((orchestrator) => orchestrator.bus.drain());
  }

  /** Lets time pass, and all happen that falls due meanwhile: milliseconds, or a text such as `5m`. */
  async advance(time: number | string): Promise<void> {
    await this.#world.advance(durationMs(time));
  }

  /**
   * Answers the open task of a node, and goes on until the run rests again. Rejects with `no-open-task`,
   * and as `respond` of the orchestrator does where the answer is refused.
   */
  async respond(
    run: TestRun,
    node: string,
    response: JsonValue,
    options: Omit<RespondOptions, 'response' | 'run'> = {},
  ): Promise<void> {
    await answerTask(this.#world, run, { node, response, ...options });
    await this.settle(run);
  }

  /** Cancels a run, and goes on until it has ended. */
  cancel(run: TestRun, options: { reason?: string; by?: string } = {}): Promise<void> {
    return this.#tell(run, (orchestrator) => orchestrator.cancel(run.id, options));
  }

  /** Stops scheduling, and goes on until handlers at work have ended. */
  pause(run: TestRun): Promise<void> {
    return this.#tell(run, (orchestrator) => orchestrator.pause(run.id));
  }

  /** Ends a pause, and goes on until the run rests again. */
  resume(run: TestRun): Promise<void> {
    return this.#tell(run, (orchestrator) => orchestrator.resume(run.id));
  }

  /** Stops the process at once, as `kill -9` does, and has another one take up what is stored. */
  restart(): Promise<void> {
    return this.#world.restart();
  }

  /** A run that goes on step by step, in a world of its own, with the faults that are ordered now. */
  stepper<Input>(plan: PlanFor<Input>, options: StartOptions<Input> = {}): Promise<Stepper> {
    return Stepper.start(this.#options, (world) => world.start(plan, options));
  }

  /**
   * Asks the engine something, and lets time pass only where the answer needs it; `settle` follows it up.
   * Rejects as the engine does, and with `process-stopped` where a crash cut off the answer.
   */
  ask<T>(question: (orchestrator: Orchestrator) => Promise<T>): Promise<T> {
    return this.#world.ask(question);
  }

  async #tell(run: TestRun, what: (orchestrator: Orchestrator) => Promise<unknown>): Promise<void> {
    await this.ask(what);
    await this.settle(run);
  }
}

/** Keeps warnings and errors, and hands everything on. */
function complainTo(complaints: string[], logger: Logger | undefined): Logger {
  const keep = (level: 'warn' | 'error') => (fields: object, message: string) => {
    const { error } = fields as { error?: unknown };
    complaints.push(error === undefined ? message : `${message}: ${describe(error)}`);
    logger?.[level](fields, message);
  };
  return {
    debug: (fields, message) => logger?.debug(fields, message),
    info: (fields, message) => logger?.info(fields, message),
    warn: keep('warn'),
    error: keep('error'),
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
