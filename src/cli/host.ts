/** Gets hold of whatever can change the runs of a database: this process, or the one that owns it. */

import { withoutSecrets } from '../config/without-secrets.js';
import { createOrchestrator, type Logger, type Orchestrator, StorageError } from '../index.js';
import { type DatabaseOption, databaseOf, payloadsOf, prepareFolder } from './database.js';
import { RemoteError } from './failure.js';
import type { Application } from './files.js';
import { clean, note } from './output.js';
import { ownerAt, RemoteOwner } from './remote.js';
import { serverOf } from './server-option.js';

export type Host =
  | { readonly is: 'here'; readonly orchestrator: Orchestrator }
  | { readonly is: 'elsewhere'; readonly owner: RemoteOwner };

export interface HostOptions {
  /** Asked for only where this process becomes the owner. */
  application(): Promise<Application>;
  /** Time that handlers get when the process is told to stop, in milliseconds. */
  readonly drainMs?: number;
  /** The database need not be there: the folder of the default one is made. */
  readonly isNew?: boolean;
}

/**
 * Opens the database without taking up anything in it, or finds the server that has it open. Where a server is named,
 * the database is none of this process's business.
 */
export async function findHost(option: DatabaseOption, options: HostOptions): Promise<Host> {
  const server = serverOf(option);
  if (server !== undefined) return { is: 'elsewhere', owner: new RemoteOwner(server) };
  const database = databaseOf(option);
  if (options.isNew === true) prepareFolder(database);
  // Loading may fail where the handlers are not needed, since another process has them.
  const loaded = await options.application().then(
    (application) => ({ application }),
    (error: unknown) => ({ error }),
  );
  try {
    const orchestrator = await createOrchestrator({
      url: database,
      ...payloadsOf(),
      ...('application' in loaded ? loaded.application : { handlers: {} }),
      recover: false,
      logger: WARNINGS,
      ...(options.drainMs !== undefined && { limits: { drainMs: options.drainMs } }),
    });
    if ('application' in loaded) return { is: 'here', orchestrator };
    await orchestrator.close();
    throw loaded.error;
  } catch (error) {
    return { is: 'elsewhere', owner: ownerBehind(error) };
  }
}

/** The server that has the database open. Throws where that is not why it cannot be opened, and a RemoteError where nobody can be reached. */
export function ownerBehind(error: unknown): RemoteOwner {
  if (!(error instanceof StorageError) || error.code !== 'database-owned') throw error;
  const { owner } = error;
  if (owner?.address) return ownerAt(owner.address);
  const hint =
    owner === undefined ? 'wait until it has ended' : `wait until process ${owner.pid} has ended`;
  throw new RemoteError(error.code, error.message, `${hint}, or stop it`);
}

/** Warnings and errors, on standard error. */
export const WARNINGS: Logger = {
  debug() {},
  info() {},
  warn: (fields, message) => note(`warning: ${describe(fields, message)}`),
  error: (fields, message) => note(`error: ${describe(fields, message)}`),
};

function describe(fields: object, message: string): string {
  const parts = Object.entries(withoutSecrets(fields) as object).map(
    ([name, value]) => `${name}=${value instanceof Error ? value.message : String(value)}`,
  );
  return clean([message, ...parts].join(' '));
}
