/** Changes schedules, in this process or through the server that owns the database. */

import type { Orchestrator } from '../../index.js';
import { databaseOf } from '../database.js';
import { loadApplication } from '../files.js';
import { findHost } from '../host.js';
import type { RemoteOwner } from '../remote.js';
import { serverOf } from '../server-option.js';
import type { HandlersOption } from '../stored-run.js';

export interface ScheduleWork<T> {
  here(orchestrator: Orchestrator): Promise<T>;
  elsewhere(owner: RemoteOwner): Promise<T>;
}

/** Closes the orchestrator, where this process has become the owner. */
export async function onSchedules<T>(options: HandlersOption, work: ScheduleWork<T>): Promise<T> {
  const { handlers } = options;
  const host = await findHost({
    database: databaseOf(options),
    server: serverOf(options),
    application: () => loadApplication(handlers),
  });
  if (host.is === 'elsewhere') return work.elsewhere(host.owner);
  try {
    return await work.here(host.orchestrator);
  } finally {
    await host.orchestrator.close();
  }
}
