/** Talks to the server that owns the database. */

import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Problem } from '../http/app.js';
import { isLoopbackUrl } from '../http/loopback.js';
import type {
  Imported,
  ImportOptions,
  JsonObject,
  JsonValue,
  Responded,
  RespondOptions,
  RunSummary,
  TaskChanged,
  Trimmed,
  TrimOptions,
  UnrestorableRun,
} from '../index.js';
import { RemoteError } from './failure.js';

export interface OfferedPlanView {
  readonly name: string;
  readonly title: string;
  readonly hash: string;
}

export type TaskVerb = 'claim' | 'release' | 'delegate' | 'assign' | 'extend';
export type RunVerb =
  | 'cancel'
  | 'pause'
  | 'resume'
  | 'step'
  | 'signals'
  | 'retry'
  | 'complete'
  | 'skip'
  | 'patch'
  | 'rollback'
  | 'replan'
  | 'replace'
  | 'fork';

export class RemoteOwner {
  readonly address: string;

  /** `address` is what the owner announced. Throws where it is not on this machine. */
  constructor(address: string) {
    if (!isLoopbackUrl(address)) {
      throw new RemoteError('owner-elsewhere', `the owner is at ${address}, not on this machine`);
    }
    this.address = address;
  }

  async plans(): Promise<readonly OfferedPlanView[]> {
    return (await this.#send<{ plans: OfferedPlanView[] }>('GET', '/plans')).plans;
  }

  start(body: { plan: string; input?: JsonValue; id?: string }): Promise<RunSummary> {
    return this.post('/runs', body);
  }

  /** Does to a task what the verb says. */
  change(task: string, verb: TaskVerb, body: JsonObject): Promise<TaskChanged> {
    return this.post(`/tasks/${encodeURIComponent(task)}/${verb}`, body);
  }

  respond(task: string, body: RespondOptions): Promise<Responded> {
    return this.post(`/tasks/${encodeURIComponent(task)}/response`, body);
  }

  /** Does to a run what the last part of the path says. */
  command<T>(run: string, verb: RunVerb, body: JsonObject = {}): Promise<T> {
    return this.post(`/runs/${encodeURIComponent(run)}/${verb}`, body);
  }

  /** Resolves with what the server answers. Rejects with a RemoteError. */
  /** As `get`. */
  post<T>(path: string, body: object = {}): Promise<T> {
    return this.#send('POST', path, body);
  }

  get<T>(path: string): Promise<T> {
    return this.#send('GET', path);
  }

  trim(options: TrimOptions): Promise<Trimmed> {
    return this.#send('POST', '/trim', options);
  }

  async examine(): Promise<readonly UnrestorableRun[]> {
    return (await this.#send<{ runs: UnrestorableRun[] }>('GET', '/examination')).runs;
  }

  /** Sends a file as it is. */
  async import(file: string, { as }: ImportOptions): Promise<Imported> {
    const query = as === undefined ? '' : `?as=${encodeURIComponent(as)}`;
    await access(file).catch((cause: Error) => {
      throw new RemoteError('argument-invalid', `${file} cannot be read: ${cause.message}`);
    });
    const sent = {
      method: 'POST',
      body: Readable.toWeb(createReadStream(file)),
      headers: { 'content-type': 'application/octet-stream' },
      duplex: 'half',
    };
    return this.#answer(await this.#fetch(`/imports${query}`, sent as RequestInit));
  }

  async #send<T>(method: string, path: string, body?: object): Promise<T> {
    const init = body && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    };
    return this.#answer(await this.#fetch(path, { method, redirect: 'error', ...init }));
  }

  async #answer<T>(response: Response): Promise<T> {
    const answer = (await response.json().catch(() => ({}))) as T | Partial<Problem>;
    if (response.ok) return answer as T;
    const {
      code = 'failed',
      detail = response.statusText,
      hint,
      issues,
    } = answer as Partial<Problem>;
    throw new RemoteError(code, detail, hint, issues);
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      const headers = { ...init.headers, ...authorization() };
      return await fetch(new URL(path, this.address), { ...init, headers });
    } catch {
      throw new RemoteError(
        'owner-unreachable',
        `the process that owns the database does not answer at ${this.address}`,
        'wait until it has started or stopped, and try again',
      );
    }
  }
}

/** The token of whoever calls, where the server asks for one. */
function authorization(): Record<string, string> {
  const token = process.env.RUNCHART_TOKEN ?? '';
  return token === '' ? {} : { authorization: `Bearer ${token}` };
}
