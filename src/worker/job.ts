/**
 * One claimed attempt at work. Invariants: heartbeats go on until nothing but its result is left to send, or nobody
 * waits for one; once its lease is lost nothing of it is sent; a result is sent until it is accepted or refused.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from './backoff.js';
import type { ClaimedWork, Json, KeptPayload, WorkError } from './messages.js';
import { OutputStream } from './output-stream.js';
import { uploadedResult } from './uploaded-result.js';
import { WorkCallError, type WorkClient } from './work-client.js';

/** Heartbeats within the length of a lease. */
const BEATS_PER_LEASE = 3;
const LONGEST_WAIT_MS = 60_000;

/** Where workers write what concerns nobody else. */
export interface WorkerLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a worker's function is given beside its input. */
export interface JobContext
  extends Pick<
    ClaimedWork,
    | 'run'
    | 'node'
    | 'generation'
    | 'attempt'
    | 'key'
    | 'idempotencyKey'
    | 'isLastTry'
    | 'deadlineAt'
    | 'feedback'
    | 'trace'
  > {
  /** Payload of the newest heartbeat of the attempts before this one. */
  readonly lastHeartbeat: Json | undefined;
  /** Aborted when the run is cancelled, the attempt has taken too long, or its lease is lost. */
  readonly signal: AbortSignal;
  readonly logger: WorkerLogger;
  /** Heartbeats go by themselves; a payload goes to the next attempt, should this one be lost. */
  heartbeat(payload?: Json): void;
  /** Records a progress value in the run's events. Values that come faster than answers replace each other. */
  progress(value: Json): void;
  /**
   * Shows a piece of output, a text or a JSON value, to those who watch the run; nothing of it is stored. Never waits.
   * Throws a TypeError on what is not JSON, and `chunk-too-large` above 65,536 characters.
   */
  stream(chunk: Json): void;
}

/** Does the work; its value is the output, or a result record as handlers return them. */
// biome-ignore lint/suspicious/noExplicitAny: the author knows the input; its schema is checked at run time
export type JobFunction = (input: any, context: JobContext) => unknown;

/** How a job ended, as its worker sees it. */
export type JobEnd = 'completed' | 'failed' | 'lost' | 'released';

type Outcome =
  | { readonly is: 'completed'; readonly result: Json }
  | { readonly is: 'failed'; readonly error: WorkError };

export class Job {
  readonly work: ClaimedWork;
  readonly #client: WorkClient;
  readonly #logger: WorkerLogger;
  readonly #abort = new AbortController();
  /** Aborted when nothing but the result is left to send. */
  readonly #ended = new AbortController();
  /** Aborted when nobody waits any more, neither for the function to end nor for an answer to be accepted. */
  readonly #givenUp = new AbortController();
  /** Of the heartbeat that waits for news. */
  #waiting = new AbortController();
  #payload: Json | undefined;
  #latest: Json | undefined;
  #reporting: Promise<void> | undefined;
  readonly #output: OutputStream;
  /** Payloads that the server has taken, by their texts. */
  readonly #uploaded = new Map<string, KeptPayload>();
  /** The function has come to its end, or is left behind. */
  #isOver = false;
  #isLost = false;
  #isReleased = false;

  constructor(work: ClaimedWork, client: WorkClient, logger: WorkerLogger) {
    this.work = work;
    this.#client = client;
    this.#logger = logger;
    this.#output = new OutputStream(
      (number, chunks) => this.#stream(number, chunks),
      (error) => !isRefusal(error),
    );
  }

  /** Does the work, and tells what came of it. Never rejects. */
  async perform(work: JobFunction): Promise<JobEnd> {
    const beating = this.#beat();
    const outcome = await this.#call(work);
    this.#isOver = true;
    await Promise.all([this.#reporting, this.#output.end()]);
    if (outcome.is === 'completed' && !this.#isLost) await this.#uploadAhead(outcome.result);
    this.#ended.abort();
    await beating;
    if (this.#isLost) return 'lost';
    if (outcome.is === 'completed') return this.#complete(outcome.result);
    return this.#isReleased ? this.#giveBack() : this.#fail(outcome.error);
  }

  /** The worker is going: the function is told to stop, and another worker gets the work. */
  release(reason: string): void {
    this.#isReleased = true;
    this.#stop(reason);
  }

  /** Gives back at once what was released, whatever its function does; what cannot be told is left to the lease. */
  giveUp(): void {
    this.#givenUp.abort();
  }

  async #call(work: JobFunction): Promise<Outcome> {
    try {
      const value = await Promise.race([
        work(this.work.input, this.#context()),
        this.#whenAbandoned(),
      ]);
      return { is: 'completed', result: asJson(value) };
    } catch (error) {
      return { is: 'failed', error: toWorkError(error, this.#abort.signal.aborted) };
    }
  }

  /** What ignores its signal is not waited for once its result does not count. */
  #whenAbandoned(): Promise<never> {
    return new Promise((_, reject) => {
      const { signal } = this.#abort;
      const end = () => {
        if (this.#isLost || this.#givenUp.signal.aborted) reject(signal.reason);
      };
      for (const one of [signal, this.#givenUp.signal]) {
        one.addEventListener('abort', end, { once: true });
      }
    });
  }

  #context(): JobContext {
    const { token: _, input: __, ...named } = this.work;
    return {
      ...named,
      lastHeartbeat: this.work.lastHeartbeat,
      signal: this.#abort.signal,
      logger: this.#logger,
      heartbeat: (payload) => {
        if (payload === undefined) return;
        this.#payload = asJson(payload);
        this.#waiting.abort();
      },
      progress: (value) => {
        const latest = asJson(value);
        // What its function says after its end is of interest to nobody.
        if (this.#isOver) return;
        this.#latest = latest;
        this.#reporting ??= this.#report();
      },
      stream: (chunk) => this.#output.push(chunk),
    };
  }

  /** The answer to a heartbeat waits for news, so that a cancel is heard at once. */
  async #beat(): Promise<void> {
    const { leaseMs, token } = this.work;
    const intervalMs = Math.min(
      LONGEST_WAIT_MS,
      Math.max(1, Math.floor(leaseMs / BEATS_PER_LEASE)),
    );
    const backoff = new Backoff(intervalMs);
    while (!this.#ended.signal.aborted) {
      const payload = this.#payload;
      const waitMs = this.#abort.signal.aborted || payload !== undefined ? 0 : intervalMs;
      const interrupted = this.#untilNews(waitMs);
      try {
        const beat = { waitMs, ...(payload !== undefined && { payload }) };
        const asked = performance.now();
        const { isCancelled } = await this.#client.heartbeat(token, beat, interrupted);
        const tookMs = performance.now() - asked;
        backoff.reset();
        if (this.#payload === payload) this.#payload = undefined;
        if (isCancelled) this.#stop('the run does not want it any more');
        // The server has no more news for it.
        if (this.#abort.signal.aborted) await this.#pause(intervalMs);
        // Nor had it a connection to spare for one that waits.
        else if (tookMs < waitMs / 2) await this.#pause(waitMs - tookMs);
      } catch (error) {
        if (interrupted.aborted) continue;
        if (!isRefusal(error)) await backoff.wait(this.#ended.signal);
        else if (LOST.has(error.code) || payload === undefined) return this.#lose(error);
        else this.#forget(payload, error);
      }
    }
  }

  /** A payload that the server does not take is of no use to the next attempt; the lease is kept without it. */
  #forget(payload: Json, error: WorkCallError): void {
    this.#logger.warn({ key: this.work.key, error }, 'the payload of a heartbeat was refused');
    if (this.#payload === payload) this.#payload = undefined;
  }

  /** Aborted at the end of the work; and by a payload, where the heartbeat would only wait. */
  #untilNews(waitMs: number): AbortSignal {
    const { signal } = this.#ended;
    if (waitMs === 0) return signal;
    this.#waiting = new AbortController();
    return AbortSignal.any([signal, this.#waiting.signal]);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#untilNews(ms) }).catch(() => {});
  }

  async #report(): Promise<void> {
    while (this.#latest !== undefined && !this.#isLost && !this.#ended.signal.aborted) {
      const value = this.#latest;
      this.#latest = undefined;
      await this.#client.progress(this.work.token, value).catch((error: unknown) => {
        if (isRefusal(error) && LOST.has(error.code)) this.#lose(error);
        else this.#logger.warn({ key: this.work.key, error }, 'progress was not recorded');
      });
    }
    this.#reporting = undefined;
  }

  /** What is refused is left out: it is of interest now, or not at all. */
  async #stream(number: number, chunks: readonly Json[]): Promise<void> {
    if (this.#isLost) return;
    try {
      await this.#client.stream(this.work.token, number, chunks);
    } catch (error) {
      if (isRefusal(error) && LOST.has(error.code)) this.#lose(error);
      this.#logger.warn({ key: this.work.key, error }, 'output was not streamed');
      throw error;
    }
  }

  async #complete(result: Json): Promise<JobEnd> {
    try {
      return await this.#tell('completed', (token) => this.#submit(token, result));
    } catch (error) {
      // The server does not take such a result, from whomever.
      const { code, message } = error as WorkCallError;
      return this.#fail({ code, message, retryable: false });
    }
  }

  /** Large payloads go while the lease is kept. Whatever is refused is refused again with the result. */
  async #uploadAhead(result: Json): Promise<void> {
    const upload = async (token: string) => void (await this.#withUploads(token, result));
    await this.#tell('completed', upload).catch(() => {});
  }

  /** A server that has stopped meanwhile has forgotten which payloads came: they are sent once more. */
  async #submit(token: string, result: Json): Promise<void> {
    const send = async () => {
      await this.#client.complete(token, await this.#withUploads(token, result));
    };
    await send().catch((error: unknown) => {
      const isForgotten = error instanceof WorkCallError && error.code === 'artifact-not-uploaded';
      if (!isForgotten) throw error;
      this.#uploaded.clear();
      return send();
    });
  }

  #withUploads(token: string, result: Json): Promise<Json> {
    return uploadedResult(result, async (json) => {
      const kept = this.#uploaded.get(json) ?? (await this.#client.upload(token, json));
      this.#uploaded.set(json, kept);
      return kept;
    });
  }

  async #giveBack(): Promise<JobEnd> {
    return this.#tell('released', (token) => this.#client.release(token)).catch(() => 'lost');
  }

  async #fail(error: WorkError): Promise<JobEnd> {
    return this.#tell('failed', (token) => this.#client.fail(token, error)).catch(() => 'lost');
  }

  /** Rejects where the server refuses what is said, and not who says it. */
  async #tell(end: JobEnd, call: (token: string) => Promise<void>): Promise<JobEnd> {
    const backoff = new Backoff();
    for (;;) {
      try {
        await call(this.work.token);
        return end;
      } catch (error) {
        if (!(error instanceof WorkCallError)) throw error;
        if (LOST.has(error.code) || this.#givenUp.signal.aborted) return 'lost';
        if (isRefusal(error)) throw error;
        this.#logger.warn({ key: this.work.key, error }, 'the server did not answer: once more');
        await backoff.wait(this.#givenUp.signal);
      }
    }
  }

  #lose(error: WorkCallError): void {
    this.#isLost = true;
    this.#logger.warn({ key: this.work.key, code: error.code }, 'the lease is lost');
    this.#stop(error.message);
  }

  #stop(reason: string): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(Object.assign(new Error(reason), { name: 'AbortError' }));
  }
}

/** Refusals of whoever has no lease any more. */
const LOST: ReadonlySet<string> = new Set([
  'lease-lost',
  'run-ended',
  'run-unknown',
  'node-unknown',
  'node-not-work',
]);

/** Whoever asks too often may ask again. */
function isRefusal(error: unknown): error is WorkCallError {
  return error instanceof WorkCallError && !error.retryable && error.code !== 'rate-limited';
}

/** Throws a TypeError on what JSON cannot carry. */
function asJson(value: unknown): Json {
  const text = JSON.stringify(value);
  return text === undefined ? null : (JSON.parse(text) as Json);
}

/** Anything can be thrown. */
function toWorkError(thrown: unknown, isAborted: boolean): WorkError {
  const ofAbort = isAborted ? { class: 'cancelled' } : {};
  if (typeof thrown !== 'object' || thrown === null) return { message: String(thrown), ...ofAbort };
  const { message, code, class: named, retryable } = thrown as Record<string, unknown>;
  return {
    message: typeof message === 'string' ? message : 'the worker failed without a message',
    ...(typeof code === 'string' && code !== '' && { code: code.slice(0, 200) }),
    ...(typeof named === 'string' && named !== '' && { class: named.slice(0, 200) }),
    ...(typeof retryable === 'boolean' && { retryable }),
    ...ofAbort,
  };
}
