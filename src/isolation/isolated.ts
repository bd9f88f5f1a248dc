/** Makes a handler of a module that works in threads or processes of its own. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { HandlerContext, HandlerFunction } from '../actors/handlers.js';
import { RunchartError } from '../errors.js';
import type { IsolateOptions, StartIsolate } from './isolate.js';
import { IsolatePool } from './isolate-pool.js';
import { type CallTarget, IsolatedCall } from './isolated-call.js';
import { startProcess } from './process-isolate.js';
import { startThread } from './thread-isolate.js';

/** How a handler is put apart, and within which limits. */
export interface IsolatedOptions {
  /** The ES module of the handler: a URL, or a path, relative to the working directory. */
  readonly module: URL | string;
  /** Name of the export that is the handler; `default` unless given. */
  readonly export?: string;
  /** What to isolate with. */
  readonly in: 'thread' | 'process';
  /** Threads or processes kept for the next attempt; 1 unless given. With 0 each attempt has a fresh one. */
  readonly maxIdle?: number;
  /** How long one is kept, in milliseconds; 30,000 unless given. */
  readonly idleMs?: number;
  /** Attempts at work at the same time; as many as there are cores unless given. Further ones wait. */
  readonly concurrency?: number;
  /** Limit of the JavaScript heap, in megabytes; the defaults of Node unless given. */
  readonly memoryLimitMb?: number;
  /** Time between abort and kill, in milliseconds; 1,000 unless given. */
  readonly killAfterMs?: number;
  /** All environment variables of the worker; a copy of this process's own unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A handler to register like any other. */
export type IsolatedHandler = HandlerFunction & {
  /** Ends idle threads and processes, and keeps none from now on. Attempts go on, also later ones. */
  close(): void;
};

/** Throws a RunchartError `argument-invalid` on options that make no sense; the module is loaded at the first attempt. */
export function isolated(options: IsolatedOptions): IsolatedHandler {
  const target = readTarget(options);
  const pool = new IsolatePool(starter(options), {
    concurrency: readCount('concurrency', options.concurrency ?? availableParallelism(), 1),
    maxIdle: readCount('maxIdle', options.maxIdle ?? 1, 0),
    idleMs: readCount('idleMs', options.idleMs ?? 30_000, 0),
  });
  const handler = async (input: unknown, context: HandlerContext): Promise<unknown> => {
    const { signal } = context;
    signal.throwIfAborted();
    const call = new IsolatedCall(target, input, context);
    const onAbort = () => {
      if (pool.withdraw(call)) call.refuse(signal.reason);
      else call.abort(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    pool.run(call);
    return call.result.finally(() => signal.removeEventListener('abort', onAbort));
  };
  return Object.assign(handler, { close: () => pool.close() });
}

function readTarget(options: IsolatedOptions): CallTarget {
  const { module, export: name = 'default', killAfterMs = 1_000 } = options;
  if (typeof name !== 'string' || name === '') throw invalid('export must be a name');
  return {
    module: moduleUrl(module),
    export: name,
    killAfterMs: readCount('killAfterMs', killAfterMs, 0),
  };
}

/** A protocol of one letter is the drive of a Windows path. */
function moduleUrl(module: URL | string): string {
  if (module instanceof URL) return module.href;
  if (typeof module !== 'string' || module === '') throw invalid('module must be a URL or a path');
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(module);
  return isUrl ? module : pathToFileURL(resolve(module)).href;
}

function starter(options: IsolatedOptions): StartIsolate {
  const { memoryLimitMb, env } = options;
  const settings: IsolateOptions = {
    memoryLimitMb:
      memoryLimitMb === undefined ? undefined : readCount('memoryLimitMb', memoryLimitMb, 1),
    env,
  };
  switch (options.in) {
    case 'thread':
      return (events) => startThread(settings, events);
    case 'process':
      return (events) => startProcess(settings, events);
    default:
      throw invalid('in must be "thread" or "process"');
  }
}

/** The longest time that a timer of Node can take, in milliseconds. */
const MAX_COUNT = 2 ** 31 - 1;

function readCount(name: string, value: number, min: number): number {
  if (Number.isInteger(value) && value >= min && value <= MAX_COUNT) return value;
  throw invalid(`${name} must be an integer from ${min} to ${MAX_COUNT}, not ${value}`);
}

function invalid(message: string): RunchartError {
  return new RunchartError('argument-invalid', `isolated: ${message}`);
}
