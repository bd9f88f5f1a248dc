/**
 * One life of the engine over storage in memory, which may end at any moment. Invariant: once it is
 * over, it commits nothing, calls no handler and answers nobody.
 */

import type { AuditOptions } from '../access/audit-trail.js';
import { HandlerRegistry } from '../actors/handler-registry.js';
import type { Handlers, Logger } from '../actors/handlers.js';
import type { Middleware } from '../actors/middleware.js';
import type { Journal } from '../actors/ports.js';
import type { TurnRecord } from '../actors/records.js';
import type { WebhookOptions } from '../delivery/new-delivery.js';
import type { SendWebhook } from '../delivery/send.js';
import type { EngineParts } from '../engine.js';
import { Orchestrator } from '../orchestrator.js';
import { DEFAULT_LIMITS, type OrchestratorLimits } from '../orchestrator-options.js';
import type { Evaluators } from '../plan/evaluator.js';
import type { Groups } from '../tasks.js';
import type { Faults } from './faults.js';
import type { HandlerGate } from './handler-gate.js';
import { memoryRows } from './memory-rows.js';
import type { MemoryStorage } from './memory-storage.js';
import type { SimulatedEnvironment } from './simulation.js';

export interface ProcessParts {
  readonly handlers: Handlers;
  readonly executors: readonly string[];
  readonly groups?: Groups | undefined;
  readonly evaluators: Evaluators;
  readonly audit?: AuditOptions | undefined;
  readonly services?: unknown;
  readonly middleware?: readonly Middleware[] | undefined;
  readonly limits: Partial<OrchestratorLimits>;
  readonly logger: Logger;
  readonly storage: MemoryStorage;
  readonly environment: SimulatedEnvironment;
  readonly gate: HandlerGate;
  readonly faults: Faults;
  readonly webhooks?: WebhookOptions | undefined;
  /** Takes the place of receivers. */
  readonly sendWebhook?: SendWebhook | undefined;
}

export class SimulatedProcess {
  readonly orchestrator: Orchestrator;
  readonly #parts: ProcessParts;
  #isOver = false;
  #commits = 0;

  /** A new process over what is stored; recovers nothing yet. */
  static async start(parts: ProcessParts): Promise<SimulatedProcess> {
    const { store } = parts.storage;
    const positionSecret = await store.positionSecret?.();
    return new SimulatedProcess(parts, { ...(await store.highWater()), positionSecret });
  }

  private constructor(
    parts: ProcessParts,
    begin: Pick<EngineParts, 'turn' | 'run' | 'positionSecret'>,
  ) {
    const { environment, evaluators, executors, gate, groups, handlers } = parts;
    const { limits, logger, middleware, services, storage } = parts;
    const { sendWebhook = refuseToSend } = parts;
    this.#parts = parts;
    const gated = gate.wrap(handlers, executors, () => this.#isOver);
    this.orchestrator = new Orchestrator({
      environment,
      registry: new HandlerRegistry(gated, executors, middleware),
      evaluators,
      groups,
      audit: parts.audit,
      services,
      storage: {
        journal: this.#limit(storage.journal),
        store: storage.store,
        rows: memoryRows(storage),
        artifacts: storage.artifacts,
        close: async () => {},
      },
      logger,
      limits: { ...DEFAULT_LIMITS, ...limits },
      ...begin,
      ...(parts.webhooks !== undefined && { webhooks: parts.webhooks }),
      sendWebhook: (request) => (this.#isOver ? NEVER : sendWebhook(request)),
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Stops at once, as `kill -9` does. */
  stop(): void {
    this.#isOver = true;
    this.#parts.gate.clear();
    this.#parts.environment.clock.callOffAll();
  }

  /** Changes whenever something goes on. */
  get activity(): string {
    const { residentRuns, handlersAtWork, turnsUnderWay } = this.orchestrator.health().supervisor;
    return [residentRuns, handlersAtWork, turnsUnderWay, this.#commits].join('/');
  }

  /** Turns are decided and not durable yet. */
  get isCommitting(): boolean {
    return !this.#isOver && this.orchestrator.health().supervisor.turnsUnderWay > 0;
  }

  #limit(journal: Journal): Journal {
    return {
      ...journal,
      commit: (turn) => this.#commit(journal, turn),
      write: (rows) => (this.isOver ? new Promise(() => {}) : journal.write(rows)),
    };
  }

  async #commit(journal: Journal, turn: TurnRecord): Promise<void> {
    if (this.#isOver) return NEVER;
    this.#commits += 1;
    const committed = journal.commit(turn);
    if (this.#parts.faults.takeCrash()) this.stop();
    const error: unknown = await committed.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (this.#isOver) return NEVER;
    if (error !== undefined) throw error;
  }
}

const NEVER = new Promise<never>(() => {});

/** Nothing leaves a simulation. */
async function refuseToSend(): Promise<never> {
  throw new Error('the simulation has no receivers: give the kit `sendWebhook`');
}
