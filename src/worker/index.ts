/** For programs that do the work of runs from outside: fetch is all that they need. */
import type { Json } from './messages.js';
import { WorkClient } from './work-client.js';
import { Worker, type WorkerFunctions, type WorkerOptions } from './worker.js';

export type { JobContext, JobEnd, JobFunction, WorkerLogger } from './job.js';
export type { ClaimedWork, Json, KeptPayload, WorkError } from './messages.js';
export { WorkCallError, WorkClient } from './work-client.js';
export { Worker, type WorkerFunctions, type WorkerOptions } from './worker.js';

/** A way to a server, and the workers that use it. */
export interface Connection {
  /** The calls themselves, for workers that go about it in their own way. */
  readonly client: WorkClient;
  /** Begins to work: functions, or handlers in phases, by capability. Throws a TypeError. */
  work(functions: WorkerFunctions, options?: WorkerOptions): Worker;
}

/** Names the server; nothing is sent before there is a worker. Throws a TypeError where `url` is none. */
export function connect(url: string, token?: string): Connection {
  const client = new WorkClient(url, token);
  return { client, work: (functions, options = {}) => new Worker(client, functions, options) };
}

/** Gives back what it was given: a worker to try things out with. */
export function echo(input: Json | undefined): Json | undefined {
  return input;
}
