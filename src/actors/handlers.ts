/** The work behind action nodes: what a handler is given, and what it may be. */
import type { JsonValue } from '../plan/json.js';
import type { ExternalHandler } from './external-handler.js';
import type { VersionedHandler } from './handler-versions.js';
import type { Round } from './records.js';
import type { TraceContext } from './trace-context.js';

/** Where handlers and the orchestrator write their logs. A pino logger is one. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a handler is given beside its input. `Services` is what the application shares with its handlers. */
export interface HandlerContext<Services = unknown> {
  readonly run: string;
  readonly node: string;
  /** 1, unless the run went back to before this node: then 2, 3 and so on. */
  readonly generation: number;
  /** Number of this attempt within its generation, from 1. */
  readonly attempt: number;
  /** Whether its failure is not tried again, as far as that depends on the number of tries. */
  readonly isLastTry: boolean;
  /** `run/node/generation/attempt`: names this attempt, and no other. */
  readonly key: string;
  /**
   * `run/node/generation`: the same for all attempts. Hand it to whatever you call, so that it can
   * tell a repetition, after a crash or a failed try.
   */
  readonly idempotencyKey: string;
  /** Aborted when the run is cancelled or fails, and when the process shuts down. */
  readonly signal: AbortSignal;
  /** Each of its lines has `run`, `node`, `generation` and `attempt`. */
  readonly logger: Logger;
  /** Records a progress value in the run's events. Values that come faster than commits replace each other. */
  progress(value: JsonValue): void;
  /**
   * A sign of life, for a node that limits the time without one. Its payload goes to the next attempt,
   * as `lastHeartbeat`, should this one fail or its process stop.
   */
  heartbeat(payload?: JsonValue): void;
  /**
   * Shows a piece of output, a text or a JSON value, to those who watch the run now; nothing of it is stored. See
   * docs/streams.md. Never waits. Throws a TypeError on what is not JSON, and `chunk-too-large` above 65,536 characters.
   */
  stream(chunk: JsonValue): void;
  /**
   * Reads the payload of an artifact that was too large for a row, by its pointer `file:sha256:…`.
   * Rejects with a RunchartError: `argument-invalid`, `artifact-corrupt`.
   */
  payload(pointer: string): Promise<JsonValue>;
  /** Payload of the newest heartbeat of the attempts before this one. */
  readonly lastHeartbeat: JsonValue | undefined;
  /** What reviewers said of earlier tries, oldest first, where the work is done again because of it. */
  readonly feedback: readonly Round[];
  /** The trace that the attempt belongs to, to be handed on; undefined where its run belongs to none. */
  readonly trace: TraceContext | undefined;
  /** What the application gave when it made the orchestrator: connections, clients. */
  readonly services: Services;
}

/**
 * Does an action's work. Its return value is the node's output, unless it is a result record: an
 * object with a boolean `ok`, or with an `error`; then `output`, `action`, `artifacts`, `notes` and
 * `events` are read from it. Runs at least once per attempt that was started; a crash repeats it
 * under a new attempt number.
 */
// biome-ignore lint/suspicious/noExplicitAny: the author knows the input; its schema is checked at run time
export type HandlerFunction<Services = any> = (
  // biome-ignore lint/suspicious/noExplicitAny: as above
  input: any,
  context: HandlerContext<Services>,
) => unknown;

/** A handler in phases: `prep` makes the argument of `exec` from the input, `post` the result from its value. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export interface LifecycleHandler<Services = any> {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  prep?(input: any, context: HandlerContext<Services>): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  exec(prepared: any, context: HandlerContext<Services>): unknown;
  /** Stands in for `exec` where it failed and no try is left, or none makes sense; its value goes to `post`. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  fallback?(error: unknown, prepared: any, context: HandlerContext<Services>): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  post?(value: any, context: HandlerContext<Services>): unknown;
  /** Called when the attempt has failed, not when it was aborted: cleans up. The failure stays as it is. */
  recover?(error: unknown, context: HandlerContext<Services>): unknown;
}

/** A lifecycle class is instantiated anew for each attempt. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type LifecycleClass<Services = any> = new () => LifecycleHandler<Services>;

/** Work that is done in this process. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type LocalHandler<Services = any> =
  | HandlerFunction<Services>
  | LifecycleHandler<Services>
  | LifecycleClass<Services>;
/** What does the work of an action: here, in other versions too, or outside. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type Handler<Services = any> =
  | LocalHandler<Services>
  | ExternalHandler
  | VersionedHandler<LocalHandler<Services>>;
/** Handlers by the keys that plans name them with. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type Handlers<Services = any> = Readonly<Record<string, Handler<Services>>>;

/** Where the work of a handler is done. `nowhere`: it is known, and this process lacks the version. */
export type PlaceOfWork = 'here' | 'outside' | 'nowhere';
