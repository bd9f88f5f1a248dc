/** The calls of a worker, over fetch. Every answer is a value or a WorkCallError. */
import type {
  Capability,
  ClaimedWork,
  Json,
  KeptPayload,
  LeaseState,
  WorkError,
} from './messages.js';

/** Why a call came to nothing. `server-unreachable` and whatever is retryable may succeed later. */
export class WorkCallError extends Error {
  override readonly name = 'WorkCallError';
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, retryable: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
  }
}

/** How much longer than it was asked to wait a server may take to answer, in milliseconds. */
const PATIENCE_MS = 10_000;
/** How long a large payload may be on its way, in milliseconds. */
const UPLOAD_MS = 300_000;

/** The calls of a worker to its server, one method each; retries nothing. */
export class WorkClient {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;

  /** Throws a TypeError where `url` is none. */
  constructor(url: string, token?: string) {
    this.#url = new URL(url.endsWith('/') ? url : `${url}/`);
    this.#headers = {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
  }

  /** Claimed again with the same `key`, what the first answer would have said is given again. */
  async claim(
    request: {
      readonly worker: string;
      readonly capabilities: readonly Capability[];
      readonly limit: number;
      readonly waitMs: number;
    },
    signal: AbortSignal,
    key: string,
  ): Promise<readonly ClaimedWork[]> {
    const { claims } = await this.#post<{ claims: readonly ClaimedWork[] }>('claim', request, {
      signal,
      waitMs: request.waitMs,
      key,
    });
    return claims;
  }

  heartbeat(
    token: string,
    beat: { readonly payload?: Json; readonly waitMs: number },
    signal?: AbortSignal,
  ): Promise<LeaseState> {
    const options = { waitMs: beat.waitMs, ...(signal && { signal }) };
    return this.#post('heartbeat', { token, ...beat }, options);
  }

  progress(token: string, progress: Json): Promise<LeaseState> {
    return this.#post('progress', { token, progress });
  }

  /** `number` is that of the first chunk within its attempt, from 1. */
  async stream(token: string, number: number, chunks: readonly Json[]): Promise<void> {
    await this.#post('stream', { token, number, chunks });
  }

  /** Sends the payload of an artifact, as JSON text, ahead of the result. */
  async upload(token: string, json: string): Promise<KeptPayload> {
    const query = new URLSearchParams({ token });
    return this.#send<KeptPayload>(`payloads?${query}`, json, {
      signal: AbortSignal.timeout(UPLOAD_MS),
    });
  }

  async complete(token: string, result: Json): Promise<void> {
    await this.#post('complete', { token, result });
  }

  async fail(token: string, error: WorkError): Promise<void> {
    await this.#post('fail', { token, error });
  }

  async release(token: string): Promise<void> {
    await this.#post('release', { token });
  }

  async #post<T>(
    call: string,
    body: object,
    {
      signal,
      waitMs = 0,
      key,
    }: {
      readonly signal?: AbortSignal;
      readonly waitMs?: number;
      readonly key?: string;
    } = {},
  ): Promise<T> {
    const limit = AbortSignal.timeout(waitMs + PATIENCE_MS);
    const ended = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    return this.#send<T>(call, JSON.stringify(body), { signal: ended, key });
  }

  async #send<T>(
    call: string,
    body: string,
    { signal, key }: { readonly signal: AbortSignal; readonly key?: string | undefined },
  ): Promise<T> {
    const response = await this.#fetch(call, {
      method: 'POST',
      headers: { ...this.#headers, ...(key !== undefined && { 'idempotency-key': key }) },
      body,
      signal,
    });
    const answer = (await response.json().catch(() => ({}))) as T & {
      readonly code?: string;
      readonly detail?: string;
      readonly retryable?: boolean;
    };
    if (response.ok) return answer;
    const { code = `http-${response.status}`, detail = response.statusText } = answer;
    throw new WorkCallError(code, detail, answer.retryable ?? response.status >= 500);
  }

  async #fetch(call: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(new URL(`work/${call}`, this.#url), init);
    } catch (cause) {
      const message = `the server does not answer at ${this.#url.href}`;
      throw new WorkCallError('server-unreachable', message, true, cause);
    }
  }
}
