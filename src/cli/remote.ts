/** Talks to a server: the one that owns the database, or one that is named. */

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Client, StreamItem, WatchOptions } from '../client/index.js';
import { Transport } from '../client/transport.js';
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
import { clientOf, patiently, type ServerAddress, tokenOf } from './server-option.js';

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

/** The owner that announced itself at an address. Throws where that is not on this machine. */
export function ownerAt(address: string): RemoteOwner {
  if (isLoopbackUrl(address)) return new RemoteOwner({ url: address, ...tokenOf({}) });
  throw new RemoteError('owner-elsewhere', `the owner is at ${address}, not on this machine`);
}

export class RemoteOwner {
  readonly address: string;
  readonly #client: Client;
  readonly #transport: Transport;

  constructor(server: ServerAddress) {
    this.address = server.url;
    this.#client = clientOf(server);
    this.#transport = new Transport(patiently(server));
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

  /**
   * Resolves with what the server answers. Rejects with a ProblemError. Sent again under its key where the answer is
   * lost, unless what it gives is a secret: the answer that is kept has none.
   */
  post<T>(
    path: string,
    body: object = {},
    { givesSecret = false }: { readonly givesSecret?: boolean } = {},
  ): Promise<T> {
    return this.#send('POST', path, body, !givesSecret);
  }

  /** Resolves with what the server answers. Rejects with a ProblemError. */
  get<T>(path: string): Promise<T> {
    return this.#send('GET', path);
  }

  /** What handlers of a run stream, until it has ended. */
  stream(run: string, options: WatchOptions): AsyncIterable<StreamItem> {
    return this.#client.stream(run, options);
  }

  trim(options: TrimOptions): Promise<Trimmed> {
    return this.#send('POST', '/trim', options);
  }

  async examine(): Promise<readonly UnrestorableRun[]> {
    return (await this.#send<{ runs: UnrestorableRun[] }>('GET', '/examination')).runs;
  }

  /** Sends a file as it is. */
  async import(file: string, { as }: ImportOptions): Promise<Imported> {
    await access(file).catch((cause: Error) => {
      throw new RemoteError('argument-invalid', `${file} cannot be read: ${cause.message}`);
    });
    const body = Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>;
    return this.#client.importRun({ body, ...(as !== undefined && { as }) });
  }

  #send<T>(method: string, path: string, body?: object, isRepeatable = true): Promise<T> {
    const headers = {
      'content-type': 'application/json',
      ...(body && { 'idempotency-key': randomUUID() }),
    };
    const sent = { method, path, headers, ...(body && { body: JSON.stringify(body) }) };
    const how = { isRepeatable, isStream: false };
    return this.#transport.send({ ...sent, ...how }, (response) => response.json() as Promise<T>);
  }
}
