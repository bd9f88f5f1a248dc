/**
 * One attempt in an isolate, seen from outside. Invariant: it is settled once, by what the handler
 * answers, by the end of its isolate, or by its abort.
 */
import type { HandlerContext } from '../actors/handlers.js';
import type { JsonObject } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';
import type { Isolate, IsolateEnd } from './isolate.js';
import type { PooledCall } from './isolate-pool.js';
import { IsolationError } from './isolation-error.js';
import { type FromWorker, isFor, LOG_LEVELS } from './messages.js';
import { fromSentError, toSentError } from './sent-error.js';

/** What to call, and how patiently. */
export interface CallTarget {
  /** URL of the handler's module. */
  readonly module: string;
  readonly export: string;
  /** Time between abort and kill, in milliseconds. */
  readonly killAfterMs: number;
}

/** How long a killed isolate is waited for, in milliseconds; a thread in native code can take longer. */
const GONE_MS = 1_000;

let lastCall = 0;

export class IsolatedCall implements PooledCall {
  /** Resolves with what the handler returned; rejects with its error, an IsolationError, or the reason of the abort. */
  readonly result: Promise<unknown>;
  readonly #id = `${process.pid}.${++lastCall}`;
  readonly #target: CallTarget;
  readonly #input: unknown;
  readonly #context: HandlerContext;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #isolate: Isolate | undefined;
  #giveBack = () => {};
  #timer: NodeJS.Timeout | undefined;
  /** Why it was killed. */
  #fate: { readonly error: unknown } | undefined;

  constructor(target: CallTarget, input: unknown, context: HandlerContext) {
    const { promise, resolve, reject } = withResolvers();
    this.result = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#target = target;
    this.#input = input;
    this.#context = context;
  }

  begin(isolate: Isolate, done: () => void): void {
    this.#isolate = isolate;
    this.#giveBack = done;
    try {
      isolate.post({
        type: 'call',
        call: this.#id,
        module: this.#target.module,
        export: this.#target.export,
        input: this.#input,
        data: plainData(this.#context),
      });
    } catch (error) {
      this.#reject(new IsolationError('input-not-json', 'the input cannot be copied', error));
      queueMicrotask(() => this.#finish());
    }
  }

  /** The outside signal was aborted while the handler worked: it has `killAfterMs` to end. */
  abort(reason: unknown): void {
    const { killAfterMs } = this.#target;
    if (this.#isolate === undefined || this.#fate !== undefined) return;
    this.#isolate.post({ type: 'abort', call: this.#id, reason: toSentError(reason) });
    this.#timer = setTimeout(() => {
      const message = `the handler went on for ${killAfterMs} ms after its abort, and was killed`;
      this.#kill(new IsolationError('handler-killed', message, reason));
    }, killAfterMs);
  }

  message(message: unknown): void {
    if (this.#fate !== undefined || !isFor(this.#id, message)) return;
    try {
      this.#receive(message);
    } catch (error) {
      // A method of the context threw out here, where the handler cannot see it.
      this.#kill(error);
    }
  }

  ended({ code, message, cause }: IsolateEnd): void {
    clearTimeout(this.#timer);
    this.#reject(this.#fate?.error ?? new IsolationError(code, message, cause));
  }

  refuse(error: unknown): void {
    this.#reject(error);
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'progress':
        return this.#context.progress(message.value);
      case 'stream':
        return this.#context.stream(message.value);
      case 'heartbeat':
        return this.#tell(this.#context, 'heartbeat', message.args);
      case 'payload-wanted':
        return void this.#read(message.number, message.pointer);
      case 'log':
        if (!LOG_LEVELS.includes(message.level)) return;
        return this.#tell(this.#context.logger, message.level, message.args);
      case 'returned':
        this.#resolve(message.value);
        return this.#finish();
      case 'threw':
        this.#reject(fromSentError(message.error));
        return this.#finish();
      case 'refused':
        return this.#onRefused(new IsolationError(message.code, message.message));
    }
  }

  /** What cannot be had is an error of the read, which the handler may catch. */
  async #read(number: number, pointer: string): Promise<void> {
    const found = await this.#context.payload(pointer).then(
      (value) => ({ value }),
      (error: unknown) => ({ error: toSentError(error) }),
    );
    this.#isolate?.post({ type: 'payload', call: this.#id, number, found });
  }

  /** A module that failed to load would fail again in the same isolate, for it is loaded once. */
  #onRefused(error: IsolationError): void {
    if (error.code === 'handler-not-loadable') return this.#kill(error);
    this.#reject(error);
    this.#finish();
  }

  #tell(target: object, method: string, args: readonly unknown[]): void {
    const own: unknown = Reflect.get(target, method);
    if (typeof own === 'function') own.apply(target, args);
  }

  #finish(): void {
    clearTimeout(this.#timer);
    this.#isolate = undefined;
    this.#giveBack();
  }

  #kill(error: unknown): void {
    clearTimeout(this.#timer);
    this.#fate = { error };
    this.#timer = setTimeout(() => this.#reject(error), GONE_MS);
    this.#isolate?.kill();
  }
}

/** Getters of a context that its own properties do not show. */
const KNOWN_DATA = [
  'run',
  'node',
  'generation',
  'attempt',
  'isLastTry',
  'key',
  'idempotencyKey',
  'lastHeartbeat',
  'feedback',
  'trace',
];

/** What of a context is plain data; the rest are its methods, the signal and the logger. */
function plainData(context: HandlerContext): JsonObject {
  const data: JsonObject = {};
  for (const name of new Set([...Object.keys(context), ...KNOWN_DATA])) {
    if (name === 'signal' || name === 'logger') continue;
    const checked = toJsonValue(Reflect.get(context, name));
    if (checked.ok && checked.value !== undefined) data[name] = checked.value;
  }
  return data;
}

function withResolvers() {
  let resolve: (value: unknown) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<unknown>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
