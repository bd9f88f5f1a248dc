/** Changes schedules, in this process or through the server that owns the database. */
import type { Problem } from '../../http/app.js';
import type { JsonObject, Orchestrator } from '../../index.js';
import { databaseOf } from '../database.js';
import { RemoteError } from '../failure.js';
import { loadApplication } from '../files.js';
import { findHost } from '../host.js';
import type { RemoteOwner } from '../remote.js';
import type { HandlersOption } from '../stored-run.js';

export interface ScheduleWork<T> {
  here(orchestrator: Orchestrator): Promise<T>;
  elsewhere(owner: RemoteSchedules): Promise<T>;
}

/** Closes the orchestrator, where this process has become the owner. */
export async function onSchedules<T>(options: HandlersOption, work: ScheduleWork<T>): Promise<T> {
  const { handlers } = options;
  const host = await findHost({
    database: databaseOf(options),
    application: () => loadApplication(handlers),
  });
  if (host.is === 'elsewhere') return work.elsewhere(new RemoteSchedules(host.owner));
  try {
    return await work.here(host.orchestrator);
  } finally {
    await host.orchestrator.close();
  }
}

/** The schedules of the server that owns the database. */
export class RemoteSchedules {
  readonly address: string;

  constructor({ address }: RemoteOwner) {
    this.address = address;
  }

  /** Resolves with what the server answers. Rejects with a RemoteError. */
  async post<T>(path: string, body: JsonObject = {}): Promise<T> {
    const response = await this.#fetch(`/schedules${path}`, body);
    const answer = (await response.json().catch(() => ({}))) as T | Partial<Problem>;
    if (response.ok) return answer as T;
    const { code = 'failed', detail, hint, issues } = answer as Partial<Problem>;
    throw new RemoteError(code, detail ?? response.statusText, hint, issues);
  }

  async #fetch(path: string, body: JsonObject): Promise<Response> {
    try {
      return await fetch(new URL(path, this.address), {
        method: 'POST',
        redirect: 'error',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      });
    } catch {
      throw new RemoteError(
        'owner-unreachable',
        `the process that owns the database does not answer at ${this.address}`,
        'wait until it has started or stopped, and try again',
      );
    }
  }
}
