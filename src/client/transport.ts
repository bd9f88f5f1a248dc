/**
 * Sends requests and repeats those that may succeed later. Invariants: 1. what changes something is repeated
 * under one idempotency key, or not at all; 2. the token goes to the server it is for and nowhere else; 3. an
 * abort ends waiting too.
 */
import type { FileBody } from './api.js';
import { ProblemError, problemOf, unreachable } from './problem-error.js';

/** Which server, and how patiently. */
export interface ClientOptions {
  /** Where the server is, with the base that it is mounted at: `http://127.0.0.1:4747`. */
  readonly url: string | URL;
  /** Sent as `Authorization: Bearer`. A function is asked before each request. */
  readonly token?: string | (() => string | Promise<string>);
  /** How often a request is sent at most; 5 unless given, and 1 repeats nothing. */
  readonly maxAttempts?: number;
  /**
   * How long an answer that is no stream may take, in milliseconds, beside what the server was asked to wait; a minute
   * unless given.
   */
  readonly timeoutMs?: number;
  /** In place of the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

export interface Sent {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: FileBody | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether it may be sent again. */
  readonly isRepeatable: boolean;
  /** An answer that is a stream may take as long as it likes. */
  readonly isStream: boolean;
  /** How long the server was asked to wait for news before it answers, in milliseconds. */
  readonly waitMs?: number;
}

const BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 10_000;

export class Transport {
  readonly #base: URL;
  readonly #options: ClientOptions;
  readonly maxAttempts: number;

  constructor(options: ClientOptions) {
    this.#base = new URL(options.url);
    if (!this.#base.pathname.endsWith('/')) this.#base.pathname += '/';
    this.#options = options;
    this.maxAttempts = options.maxAttempts ?? 5;
  }

  /** What `read` makes of a good answer. Rejects with a ProblemError, or with the reason of an abort. */
  async send<T>(sent: Sent, read: (response: Response) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#sendOnce(sent, read);
      } catch (error) {
        sent.signal?.throwIfAborted();
        if (!(error instanceof ProblemError && error.retryable && sent.isRepeatable)) throw error;
        if (attempt >= this.maxAttempts) throw error;
        await sleep(backoffMs(attempt, error.retryAfterMs), sent.signal);
      }
    }
  }

  async #sendOnce<T>(sent: Sent, read: (response: Response) => Promise<T>): Promise<T> {
    const url = new URL(sent.path.slice(1), this.#base);
    const { fetch = globalThis.fetch, timeoutMs = 60_000 } = this.#options;
    const patienceMs = timeoutMs + (sent.waitMs ?? 0);
    const limits = [sent.isStream ? undefined : AbortSignal.timeout(patienceMs), sent.signal];
    const isStreamed = sent.body instanceof ReadableStream;
    const headers = { ...sent.headers, ...(await this.#authorization()) };
    try {
      const response = await fetch(url, {
        method: sent.method,
        headers,
        redirect: 'error',
        signal: AbortSignal.any(limits.filter((signal) => signal !== undefined)),
        ...(sent.body !== undefined && { body: sent.body }),
        ...(isStreamed && { duplex: 'half' }),
      });
      if (!response.ok) throw await problemOf(response);
      return await read(response);
    } catch (error) {
      throw error instanceof ProblemError ? error : unreachable(url, error);
    }
  }

  async #authorization(): Promise<Record<string, string>> {
    const { token } = this.#options;
    if (token === undefined) return {};
    return { authorization: `Bearer ${typeof token === 'string' ? token : await token()}` };
  }
}

/** How long to wait after a number of attempts: longer each time, and never quite alike. */
export function backoffMs(attempts: number, askedMs = 0): number {
  const longest = Math.min(BACKOFF_MS * 2 ** (attempts - 1), MAX_BACKOFF_MS);
  return Math.min(Math.max(askedMs, longest * (0.5 + Math.random() / 2)), MAX_BACKOFF_MS);
}

/** Rejects with the reason of the signal as soon as that aborts. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
