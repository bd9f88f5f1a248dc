/**
 * The work of external workers, as the API shows it: claimed, kept alive, and answered. Invariants: whatever
 * resolves is durable; a result that was accepted is accepted again, as long as it is the same.
 */
import { createHash } from 'node:crypto';
import type { KeptPayload } from '../actors/artifact-payloads.js';
import type { Clock } from '../actors/environment.js';
import type { Logger } from '../actors/handlers.js';
import type {
  AttemptName,
  Capability,
  HandlerReturn,
  LeaseName,
  RunMessage,
} from '../actors/messages.js';
import type { AttemptLease, AttemptRecord } from '../actors/records.js';
import { type ClaimedAttempt, type Fit, fitOf } from '../actors/run/claim.js';
import { type AcceptedResult, acceptedAs, type LeaseState } from '../actors/run/leases.js';
import { readChunk } from '../actors/streams/chunk.js';
import { DEFAULT_TENANT, tenantOf } from '../actors/tenant.js';
import type { WaitingWorker, WorkBoard } from '../actors/work-board.js';
import { RunchartError } from '../errors.js';
import { InTurn } from '../in-turn.js';
import { canonicalJson } from '../plan/canonical.js';
import { parseHandlerReference } from '../plan/handler-reference.js';
import type { JsonValue } from '../plan/json.js';
import { readOptions } from '../read-arguments.js';
import { readJson } from '../start-options.js';
import { type ClaimOptions, type ClaimRequest, readClaim, readWait } from './read-claim.js';
import { type Lease, readToken, writeToken } from './token.js';
import { type UploadStore, Uploads } from './uploads.js';

export type { KeptPayload } from '../actors/artifact-payloads.js';
export type { AcceptedResult, LeaseState } from '../actors/run/leases.js';

/** An attempt that a worker has claimed. */
export interface ClaimedWork extends Omit<ClaimedAttempt, 'lease'> {
  /** Names the lease: heartbeats and the result are sent with it. */
  readonly token: string;
  /** `run/node/generation`: the same for all attempts, for whatever the worker calls. */
  readonly idempotencyKey: string;
}

/** Why a worker could not do its work. */
export interface WorkError {
  readonly message: string;
  readonly code?: string | undefined;
  /** Class of the failure; exception unless given. */
  readonly class?: string | undefined;
  /** Whether another try makes sense; it does unless this is false. */
  readonly retryable?: boolean | undefined;
}

/** Attempts that wait for workers, by handler. */
export interface OfferedWork {
  /** Key of the handler, as plans name it. */
  readonly handler: string;
  readonly capability: string;
  /** Attempts that a worker could claim now. */
  readonly waiting: number;
}

export interface WorkParts {
  /** Only work of this tenant; the empty text is the default tenant. */
  readonly tenant?: string | undefined;
  readonly board: WorkBoard;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly payloads: UploadStore;
  /** What workers claim a handler by; undefined where its work is done in the process. */
  capabilityOf(handler: string): string | undefined;
  send(run: string, message: RunMessage): Promise<unknown>;
  /** Runs of which open attempts were claimed by a call of this name, by their ids. */
  claimedRuns(claim: string): Promise<readonly string[]>;
  /** The durable row of an attempt. */
  attempt(run: string, name: AttemptName): Promise<AttemptRecord | undefined>;
}

/** What is said of an attempt that was claimed. */
type WorkMessage = Extract<RunMessage, LeaseName>;

/** Runs that have nothing for a worker after all, after which it waits again. */
const MAX_FRUITLESS = 16;
/** Chunks that one call streams. */
const MAX_CHUNKS = 256;
/** Refused calls that are remembered. */
const MAX_LOST = 10_000;
/** Wait before work that was not to be had is asked for again, in milliseconds. */
const RECHECK_MS = 1_000;

/** What workers outside of this process claim and say; see docs/workers.md. */
export class Work {
  readonly #parts: WorkParts;
  /** Calls that were refused because the lease is lost, the oldest first: the same again is recorded no more. */
  readonly #lost = new Map<string, RunchartError>();

  readonly #uploads: Uploads;
  /** Calls with an idempotency key, one at a time under each. */
  readonly #claims = new InTurn();

  constructor(parts: WorkParts) {
    this.#parts = parts;
    this.#uploads = new Uploads(parts.payloads);
  }

  /** Work that waits for a worker. */
  offers(): readonly OfferedWork[] {
    return [...this.#parts.board.offers((run) => this.#isOwn(run))].map(([handler, waiting]) => {
      const capability = this.#parts.capabilityOf(handler) ?? parseHandlerReference(handler).key;
      return { handler, capability, waiting };
    });
  }

  /**
   * Claims attempts for a worker, those of runs with a higher priority first; where there is none, waits for
   * it and gives an empty list in the end. Made again with its idempotency key it gives what it holds still of
   * what it was given, and else claims anew. Rejects with `argument-invalid`, `overloaded`, `closing`.
   */
  async claim(options: ClaimOptions): Promise<readonly ClaimedWork[]> {
    const request = readClaim(options);
    const { worker, idempotencyKey } = request;
    if (idempotencyKey === undefined) return this.#claim(request, options.signal);
    const { tenant = DEFAULT_TENANT } = this.#parts;
    const named = canonicalJson([tenant, worker, idempotencyKey]);
    const claim = createHash('sha256').update(named).digest('base64url');
    return this.#claims.do(claim, async () => {
      const held = await this.#heldBy(claim, request);
      return held.length > 0 ? held : this.#claim({ ...request, claim }, options.signal);
    });
  }

  /** What a call of this name was given and holds still. */
  async #heldBy(claim: string, { worker, capabilities }: ClaimRequest) {
    const held: ClaimedWork[] = [];
    for (const run of await this.#parts.claimedRuns(claim)) {
      const asked = { worker, capabilities, limit: 0, claim, isRepeated: true } as const;
      const given = await this.#parts.send(run, { type: 'work.claim', ...asked });
      held.push(...(given as readonly ClaimedAttempt[]).map(toWork));
    }
    return held;
  }

  async #claim(
    request: ClaimRequest & { readonly claim?: string },
    signal: AbortSignal | undefined,
  ): Promise<readonly ClaimedWork[]> {
    const { board, clock } = this.#parts;
    if (board.isClosed) throw new RunchartError('closing', 'the orchestrator is closing');
    if (board.isCrowded) throw new RunchartError('overloaded', 'too many workers wait for work');
    const until = clock.now() + request.waitMs;
    const worker = board.enter(
      (handler) => this.#fitOf(handler, request.capabilities),
      (run) => this.#isOwn(run),
    );
    try {
      for (;;) {
        const claimed = await this.#ask(worker, request);
        if (signal?.aborted) return this.#giveBack(claimed);
        if (claimed.length > 0 || board.isClosed || clock.now() >= until) return claimed;
        await this.#untilCalled(worker, until, signal);
      }
    } finally {
      board.leave(worker);
    }
  }

  /**
   * Extends a lease, and tells whether the worker is to stop. `payload` goes to the next attempt, should this one
   * be lost. With `waitMs` the answer waits that long for the worker to be told to stop. Rejects with
   * `lease-lost`, `run-ended`, `run-unknown`, `node-unknown`, `argument-invalid`.
   */
  async heartbeat(
    token: string,
    options: {
      readonly payload?: JsonValue | undefined;
      readonly waitMs?: number | undefined;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<LeaseState> {
    const { run, ...lease } = this.#lease(token);
    const waitMs = readWait(readOptions(options).waitMs ?? 0);
    const { payload: given } = options;
    const payload = given === undefined ? undefined : readJson(given, 'the payload');
    const { board, clock } = this.#parts;
    let stop = () => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const unwatch = board.watch(keyOf({ run, ...lease }), stop);
    try {
      const state = await this.#send(run, { type: 'work.heartbeat', ...lease, payload });
      if (waitMs === 0 || state.isCancelled || board.isClosed) return state;
      if (!(await within(clock, waitMs, stopped, options.signal))) return state;
      // What it was told is in the answer; an attempt that is over refuses.
      return await this.#send(run, { type: 'work.heartbeat', ...lease, payload: undefined });
    } finally {
      unwatch();
    }
  }

  /** Records a progress value, and extends the lease. Rejects as `heartbeat` does. */
  async progress(token: string, value: JsonValue): Promise<LeaseState> {
    const { run, ...lease } = this.#lease(token);
    const progress = readJson(value, 'the progress');
    return this.#send(run, { type: 'work.progress', ...lease, progress });
  }

  /**
   * Shows output of an attempt to those who watch its run, past the log. `number` is that of the first chunk within
   * the attempt, from 1: what has come before is not shown again. Does not extend the lease. Rejects as `heartbeat`
   * does, and with `chunk-too-large`.
   */
  async stream(token: string, number: number, chunks: readonly JsonValue[]): Promise<void> {
    const { run, ...lease } = this.#lease(token);
    if (!Number.isSafeInteger(number) || number < 1) {
      throw new RunchartError('argument-invalid', 'chunks are numbered from 1 on');
    }
    if (!Array.isArray(chunks) || chunks.length > MAX_CHUNKS) {
      throw new RunchartError(
        'argument-invalid',
        `a call has a list of ${MAX_CHUNKS} chunks at most`,
      );
    }
    const read = chunks.map((chunk) =>
      readChunk(typeof chunk === 'string' ? chunk : readJson(chunk, 'the chunk')),
    );
    await this.#tell(run, { type: 'work.stream', ...lease, chunks: read, number });
  }

  /**
   * Takes the payload of an artifact ahead of the result, as the bytes of a JSON text: for what is too large to come
   * with it. An artifact of the result that has its `digest`, in place of a payload, has this one. Rejects as
   * `heartbeat` does, and with `artifact-too-large`, `overloaded`, `commit-failed`; then nothing of it is kept.
   */
  async upload(token: string, bytes: AsyncIterable<Uint8Array>): Promise<KeptPayload> {
    const { run, ...lease } = this.#lease(token);
    // Whoever has not the lease need not send it.
    await this.#tell(run, { type: 'work.stream', ...lease, chunks: [], number: 1 });
    return this.#uploads.take({ run, ...lease }, bytes);
  }

  /**
   * Ends an attempt with its result: an output, or a result record as handlers return them. The same again gets
   * the same answer; anything else is refused. Rejects as `heartbeat` does.
   */
  async complete(token: string, result: JsonValue = null): Promise<AcceptedResult> {
    const value = readJson(result, 'the result');
    return this.#end(token, { type: 'returned', value }, { result: value });
  }

  /** Ends an attempt with a failure, which the node's policy decides about. Rejects as `heartbeat` does. */
  async fail(token: string, error: WorkError): Promise<AcceptedResult> {
    const thrown = readJson({ ...readOptions(error) } as JsonValue, 'the error');
    return this.#end(token, { type: 'threw', error: thrown }, { error: thrown });
  }

  /** Gives an attempt back, for another worker; that uses up no try. Rejects as `heartbeat` does. */
  async release(token: string): Promise<AcceptedResult> {
    const { run, ...lease } = this.#lease(token);
    const accepted = await this.#tell(run, { type: 'work.release', ...lease });
    this.#uploads.forget(lease);
    return accepted as AcceptedResult;
  }

  async #end(token: string, result: HandlerReturn, sent: JsonValue): Promise<AcceptedResult> {
    const { run, ...lease } = this.#lease(token);
    const digest = createHash('sha256').update(canonicalJson(sent)).digest('hex');
    if (await this.#wasAccepted({ run, ...lease }, digest)) return acceptedAs(run, lease);
    const kept = await this.#uploads.resolve({ run, ...lease }, result);
    const message = { type: 'work.result', ...lease, result: kept, digest } as const;
    const accepted = await this.#tell(run, message);
    this.#uploads.forget(lease);
    return accepted as AcceptedResult;
  }

  /** Whether this very result has ended the attempt before, perhaps in a process that has stopped. */
  async #wasAccepted({ run, ...name }: Lease, digest: string): Promise<boolean> {
    const lease = await this.#leaseOf(run, name);
    return lease?.id === name.lease && lease.result === digest;
  }

  async #wasLeased(run: string, name: LeaseName): Promise<boolean> {
    return (await this.#leaseOf(run, name))?.id === name.lease;
  }

  /** The lease in the row of an attempt, whether or not it counts still. */
  async #leaseOf(run: string, name: LeaseName): Promise<AttemptLease | undefined> {
    const json = (await this.#parts.attempt(run, name))?.leaseJson ?? null;
    return json === null ? undefined : (JSON.parse(json) as AttemptLease);
  }

  #isOwn(run: string): boolean {
    const { tenant } = this.#parts;
    return tenant === undefined || tenantOf(run) === tenant;
  }

  /** Throws `argument-invalid`, and `run-unknown` where the token names another tenant's run. */
  #lease(token: string): Lease {
    const lease = readToken(token);
    if (this.#isOwn(lease.run)) return lease;
    throw new RunchartError('run-unknown', `there is no run ${lease.run}`);
  }

  async #send(run: string, message: WorkMessage): Promise<LeaseState> {
    return (await this.#tell(run, message)) as LeaseState;
  }

  async #tell(run: string, message: WorkMessage): Promise<unknown> {
    const { type, node, attempt, lease } = message;
    const call = JSON.stringify([type, run, node, attempt, lease]);
    const lost = this.#lost.get(call);
    if (lost !== undefined) throw lost;
    try {
      return await this.#parts.send(run, message);
    } catch (error) {
      if (!(error instanceof RunchartError)) throw error;
      if (error.code === 'lease-lost') this.#keep(call, error);
      const isHistory = error.code === 'node-unknown' && message.isGenuine === undefined;
      if (!isHistory || !(await this.#wasLeased(run, message))) throw error;
      return this.#tell(run, { ...message, isGenuine: true });
    }
  }

  #keep(call: string, error: RunchartError): void {
    this.#lost.set(call, error);
    const [oldest] = this.#lost.keys();
    if (this.#lost.size > MAX_LOST && oldest !== undefined) this.#lost.delete(oldest);
  }

  /** Asks the runs that have work, one after another, until the worker has enough. */
  async #ask(
    worker: WaitingWorker,
    request: ClaimRequest & { readonly claim?: string },
  ): Promise<readonly ClaimedWork[]> {
    const { board } = this.#parts;
    const claimed: ClaimedWork[] = [];
    worker.isCalled = false;
    worker.isHungry = false;
    let fruitless = 0;
    for (const run of board.runsFor(worker.fitOf, (one) => this.#isOwn(one))) {
      const given = await this.#claimOf(run, request, request.limit - claimed.length);
      claimed.push(...given.map((attempt) => toWork(attempt)));
      fruitless = given.length === 0 ? fruitless + 1 : 0;
      if (claimed.length >= request.limit || fruitless >= MAX_FRUITLESS) break;
    }
    worker.isHungry = claimed.length === 0 && fruitless > 0;
    return claimed;
  }

  async #claimOf(
    run: string,
    { worker, capabilities, claim }: ClaimRequest & { readonly claim?: string },
    limit: number,
  ): Promise<readonly ClaimedAttempt[]> {
    const { board, logger, send } = this.#parts;
    try {
      const message = { type: 'work.claim', worker, capabilities, limit, claim } as const;
      return (await send(run, message)) as readonly ClaimedAttempt[];
    } catch (error) {
      // Another run may have work all the same.
      logger.warn({ run, error }, 'a claim came to nothing');
      if (error instanceof RunchartError && !error.retryable) board.remove(run);
      return [];
    }
  }

  /** Until there may be work, the time is over, or the worker has gone. */
  async #untilCalled(
    worker: WaitingWorker,
    until: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { clock } = this.#parts;
    const leftMs = until - clock.now();
    const waitMs = worker.isHungry ? Math.min(leftMs, RECHECK_MS) : leftMs;
    await within(clock, waitMs, worker.called(), signal);
  }

  /** Nobody is there to do it. */
  async #giveBack(claimed: readonly ClaimedWork[]): Promise<readonly ClaimedWork[]> {
    const releases = claimed.map(({ token }) => this.release(token));
    await Promise.allSettled(releases);
    return [];
  }

  #fitOf(handler: string, capabilities: readonly Capability[]): Fit {
    const wanted = this.#parts.capabilityOf(handler);
    return wanted === undefined ? 'none' : fitOf(capabilities, handler, wanted);
  }
}

function toWork({ lease, ...attempt }: ClaimedAttempt): ClaimedWork {
  const { run, node, generation, attempt: number, key } = attempt;
  const token = writeToken({ run, node, generation, attempt: number, lease });
  return { token, idempotencyKey: key.slice(0, key.lastIndexOf('/')), ...attempt };
}

function keyOf({ run, node, generation, attempt }: Lease): string {
  return `${run}/${node}/${generation}/${attempt}`;
}

/** Whether `what` came before the time was over, or the signal did. */
function within(
  clock: Clock,
  ms: number,
  what: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (came: boolean) => {
      callOff();
      signal?.removeEventListener('abort', onAbort);
      resolve(came);
    };
    const onAbort = () => end(false);
    const callOff = clock.wakeAt(clock.now() + ms, () => end(false));
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) return end(false);
    void what.then(() => end(true));
  });
}
