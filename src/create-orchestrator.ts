/** Opens storage, and an orchestrator on it. */
import { systemEnvironment } from './actors/environment.js';
import { HandlerRegistry } from './actors/handler-registry.js';
import type { Logger } from './actors/handlers.js';
import type { Middleware } from './actors/middleware.js';
import { RunchartError } from './errors.js';
import { openDatabase } from './open-database.js';
import { Orchestrator } from './orchestrator.js';
import {
  DEFAULT_LIMITS,
  type GivenServices,
  type OrchestratorOptions,
  type StorageOrchestratorOptions,
} from './orchestrator-options.js';
import type { Storage } from './storage/storage.js';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

type Place = Pick<OrchestratorOptions, 'url' | 'payloads' | 'environment'> &
  Pick<StorageOrchestratorOptions, 'storage'>;

/**
 * Opens the database, or takes the storage that it is given, as its one owner, and takes up what an earlier
 * process left in motion. Rejects with a StorageError; storage is closed then. Rejects with `argument-invalid`
 * where it cannot begin with such options; then it has opened nothing, and storage that it was given is as it was.
 */
export async function createOrchestrator<Services = unknown>(
  options: (OrchestratorOptions<Services> | StorageOrchestratorOptions<Services>) &
    GivenServices<NoInfer<Services>>,
): Promise<Orchestrator> {
  const { environment = systemEnvironment, executors, retention, webhooks } = options;
  const middleware = (options.middleware ?? []) as readonly Middleware[];
  const registry = new HandlerRegistry(options.handlers, executors, middleware);
  const storage = await storageOf(options);
  try {
    const orchestrator = new Orchestrator({
      ...{ environment, registry, storage },
      evaluators: options.evaluators ?? {},
      logger: options.logger ?? SILENT,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      policies: new Map(Object.entries(options.policies ?? {})),
      groups: options.groups,
      services: options.services,
      audit: options.audit,
      ...(retention !== undefined && { retention }),
      ...(webhooks !== undefined && { webhooks }),
      ...(await storage.store.highWater()),
      positionSecret: await storage.store.positionSecret?.(),
    });
    if (options.recover !== false) await orchestrator.recover();
    return orchestrator;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** Opens nothing where the options name no one place for the data. */
async function storageOf(options: Partial<Place>): Promise<Storage> {
  const { url, storage, payloads, environment = systemEnvironment } = options;
  if (storage !== undefined) {
    if (url === undefined && payloads === undefined) return storage;
    const message = '`url` and `payloads` are of the database that `storage` comes in place of';
    throw new RunchartError('argument-invalid', message);
  }
  if (url === undefined) {
    const hint = 'give the url of a database, as `file:runchart.db`';
    throw new RunchartError('argument-invalid', 'there is no place for the data', { hint });
  }
  return openDatabase(url, { payloads, now: () => environment.clock.now() });
}
