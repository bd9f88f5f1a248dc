/** Opening a database as the storage of an orchestrator. */
import type { PayloadCodec } from './actors/ports.js';
import { openStorage } from './persistence/storage.js';
import type { Storage } from './storage/storage.js';

/** How a database is opened. */
export interface DatabaseOptions {
  /** How payloads are stored: encrypted for instance, see `encryptedPayloads`; as JSON unless given. */
  readonly payloads?: PayloadCodec | undefined;
  /** Milliseconds since the epoch, for what the writer itself dates; the system's clock unless given. */
  readonly now?: () => number;
}

/**
 * Opens a database file, as a path or a `file:` URL, as its one owner; it is made where it does not exist.
 * This is what `createOrchestrator` does with a `url`; each part may be spread. Rejects with a StorageError.
 */
export async function openDatabase(
  url: string,
  { payloads, now }: DatabaseOptions = {},
): Promise<Storage> {
  const options = { database: url, ...(payloads && { payloads }), ...(now && { now }) };
  const storage = await openStorage(options);
  const { journal, store, artifacts } = storage;
  return {
    ...storage,
    journal: spreadable(journal),
    store: spreadable(store),
    artifacts: spreadable(artifacts),
  };
}

/** The same with its methods as properties of its own: `{ ...part, method }` puts one in place of another. */
function spreadable<Part extends object>(part: Part): Part {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(part));
  const methods = names
    .map((name) => [name, part[name as keyof Part]] as const)
    .filter(([name, method]) => name !== 'constructor' && typeof method === 'function')
    .map(([name, method]) => [name, (method as () => unknown).bind(part)]);
  return { ...part, ...Object.fromEntries(methods) };
}
