/** Does something in this process, or through the server that owns the database. */
import type { Orchestrator } from '../index.js';
import { loadApplication } from './files.js';
import { findHost } from './host.js';
import type { RemoteOwner } from './remote.js';
import type { HandlersOption } from './stored-run.js';

export interface OwnerWork<T> {
  here(orchestrator: Orchestrator): Promise<T>;
  elsewhere(owner: RemoteOwner): Promise<T>;
}

/** Closes the orchestrator, where this process has become the owner. With `isNew` the database need not be there. */
export async function onOwner<T>(
  option: HandlersOption,
  work: OwnerWork<T>,
  { isNew = false }: { readonly isNew?: boolean } = {},
): Promise<T> {
  const host = await findHost(option, {
    isNew,
    application: () => loadApplication(option.handlers),
  });
  if (host.is === 'elsewhere') return work.elsewhere(host.owner);
  try {
    return await work.here(host.orchestrator);
  } finally {
    await host.orchestrator.close();
  }
}
