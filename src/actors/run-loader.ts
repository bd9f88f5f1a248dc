/** Brings a run into memory: creates it, or rehydrates it from its rows and its pinned plan version. */
import { RunchartError } from '../errors.js';
import { isFinal } from '../machines/statuses.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { HandlerRegistry } from './handler-registry.js';
import type { PlanCache } from './plan-cache.js';
import type { RunStore } from './ports.js';
import type { Creation } from './residency.js';
import { UnrestorableError } from './run/actor-tree.js';
import { RunActor, type RunActorServices } from './run/run-actor.js';

export interface LoadedRun {
  /** Undefined where there is no such run. */
  readonly actor: RunActor | undefined;
  /** Why this process cannot move the run on, for instance a missing handler. */
  readonly obstacle: RunchartError | undefined;
}

export class RunLoader {
  readonly #store: RunStore;
  readonly #plans: PlanCache;
  readonly #registry: HandlerRegistry;

  constructor(parts: {
    readonly store: RunStore;
    readonly plans: PlanCache;
    readonly registry: HandlerRegistry;
  }) {
    this.#store = parts.store;
    this.#plans = parts.plans;
    this.#registry = parts.registry;
  }

  /** Rejects with a RunchartError: `run-unrestorable`, or retryable where storage does not answer. */
  async load(
    id: string,
    creation: Creation | undefined,
    services: RunActorServices,
  ): Promise<LoadedRun> {
    try {
      const stored = creation?.isFresh ? undefined : await this.#store.loadRun(id);
      if (stored === undefined) {
        const actor = creation && RunActor.create(creation.record, creation.version, services);
        return { actor, obstacle: undefined };
      }
      const version = this.#plans.fromStored(stored.record.planHash, stored.planJson);
      const obstacle = isFinal(stored.record.status) ? undefined : this.#findObstacle(version);
      return { actor: RunActor.rehydrate(stored, version, services), obstacle };
    } catch (error) {
      throw asRefusal(id, error);
    }
  }

  /** Why this process cannot do the work of a plan, or nothing. */
  refusal(version: PlanVersion): RunchartError | undefined {
    return refusalIn(() => this.#registry.assertServes(version));
  }

  /** A version that it lacks keeps nodes waiting, and not the run from going on. */
  #findObstacle(version: PlanVersion): RunchartError | undefined {
    return refusalIn(() => this.#registry.assertKnows(version));
  }
}

function refusalIn(check: () => void): RunchartError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return error instanceof RunchartError ? error : undefined;
  }
}

function asRefusal(run: string, cause: unknown): RunchartError {
  if (cause instanceof RunchartError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof UnrestorableError || isCorruption(cause)) {
    return new RunchartError('run-unrestorable', message, { cause });
  }
  return new RunchartError('commit-failed', `run ${run} could not be read: ${message}`, { cause });
}

/** Damage found on loading has codes that end so; see the store's errors. */
function isCorruption(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && String(cause.code).endsWith('-corrupt');
}
