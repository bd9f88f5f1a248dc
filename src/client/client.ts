/** A typed client of the HTTP API, for browsers and Node: `fetch`, and nothing else. */
import {
  type BusEvent,
  type FileBody,
  type JsonValue,
  OPERATIONS,
  type OperationName,
  type Operations,
  type RunDetails,
  type RunEvent,
  type RunPart,
  type RunSnapshot,
} from './api.js';
import { type FollowAllOptions, followAllEvents } from './follow-all-events.js';
import { type FollowOptions, followEvents } from './follow-events.js';
import { followStream, type StreamItem, type WatchOptions } from './follow-stream.js';
import { ProblemError } from './problem-error.js';
import { type ClientOptions, type Sent, Transport } from './transport.js';

/** What may be said of any call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Names the call; made up for each call that changes something unless given. */
  readonly idempotencyKey?: string;
}

type Request<Name extends OperationName> = Operations[Name]['request'];
type Answer<Name extends OperationName> = Promise<Operations[Name]['answer']>;

/** Takes the parameters of path and query by their names, and the body. Rejects with a ProblemError. */
export type Call<Name extends OperationName> =
  Record<string, never> extends Request<Name>
    ? (request?: Request<Name>, options?: CallOptions) => Answer<Name>
    : (request: Request<Name>, options?: CallOptions) => Answer<Name>;

type Calls = { readonly [Name in Exclude<OperationName, 'getRun'>]: Call<Name> };

/** A method for each operation of the API. */
export interface Client extends Calls {
  getRun(request: { readonly id: string }, options?: CallOptions): Promise<RunDetails>;
  /** The run with the parts that are asked for. */
  snapshot(id: string, parts: readonly RunPart[], options?: CallOptions): Promise<RunSnapshot>;
  /** The events of a run, each once, over as many connections as it takes; ends after the terminal event. */
  events(run: string, options?: FollowOptions): AsyncGenerator<RunEvent, void, undefined>;
  /** The events of all runs that are wanted, each once, over as many connections as it takes; until the signal ends it. */
  allEvents(
    wanted?: Omit<Request<'listAllEvents'>, 'after' | 'limit'>,
    options?: FollowAllOptions,
  ): AsyncGenerator<BusEvent, void, undefined>;
  /** What handlers of a run stream while they work, over as many connections as it takes; ends with the run. */
  stream(run: string, options?: WatchOptions): AsyncGenerator<StreamItem, void, undefined>;
}

interface Words {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  readonly answer: 'json' | 'text' | 'stream';
  readonly isKeyed: boolean;
  readonly isRepeatable: boolean;
  readonly bodyType?: string;
}

type Asked = Readonly<Record<string, unknown>>;

/** A client of one server. Sends nothing before it is asked to. */
export function createClient(options: ClientOptions): Client {
  const transport = new Transport(options);
  const call = async (words: Words, asked: Asked = {}, callOptions: CallOptions = {}) =>
    transport.send(sentOf(words, asked, callOptions), READ[words.answer]);
  const calls = Object.entries(OPERATIONS).map(([name, words]) => {
    return [name, (asked?: Asked, options?: CallOptions) => call(words, asked, options)];
  });
  return {
    ...(Object.fromEntries(calls) as Calls & Pick<Client, 'getRun'>),
    snapshot: (id, parts, options) =>
      call(OPERATIONS.getRun, { id, include: parts.join(',') }, options) as Promise<RunSnapshot>,
    events: (id, options) =>
      followEvents(transport, pathOf(OPERATIONS.listEvents, { id }), options),
    allEvents: (wanted = {}, options) =>
      followAllEvents(transport, pathOf(OPERATIONS.listAllEvents, wanted), options),
    stream: (id, { node, ...options } = {}) =>
      followStream(transport, pathOf(OPERATIONS.streamRun, { id, node }), options),
  };
}

const READ: Readonly<Record<Words['answer'], (response: Response) => Promise<unknown>>> = {
  json: (response) => response.json() as Promise<JsonValue>,
  text: (response) => response.text(),
  stream: async (response) => response.body ?? new ReadableStream(),
};

function sentOf(words: Words, asked: Asked, { signal, idempotencyKey }: CallOptions): Sent {
  const { body } = asked;
  const isJson = words.bodyType === undefined;
  const type = words.bodyType ?? 'application/json';
  const isResendable = !(body instanceof ReadableStream);
  return {
    path: pathOf(words, asked),
    method: words.method,
    headers: {
      ...(body !== undefined && { 'content-type': type }),
      ...(words.isKeyed && { 'idempotency-key': idempotencyKey ?? newKey() }),
    },
    body: body === undefined ? undefined : isJson ? JSON.stringify(body) : (body as FileBody),
    signal,
    isRepeatable: words.isRepeatable && isResendable,
    isStream: words.answer === 'stream' || !isJson,
    waitMs: waitIn(body),
  };
}

/** Claims and heartbeats say how long they wait. */
function waitIn(body: unknown): number {
  const { waitMs } = (body ?? {}) as { readonly waitMs?: unknown };
  return typeof waitMs === 'number' && waitMs > 0 ? waitMs : 0;
}

function pathOf({ path, query }: Pick<Words, 'path' | 'query'>, asked: Asked): string {
  const place = path.replace(/\{(\w+)\}/g, (_, name) => partOf(name, asked[name]));
  const given = query.filter((name) => asked[name] !== undefined);
  const search = new URLSearchParams(
    given.map((name) => [name, String(asked[name])] as [string, string]),
  );
  return given.length === 0 ? place : `${place}?${search}`;
}

/** Throws a ProblemError for what no part of a path can be: such an id leads elsewhere. */
function partOf(name: string, value: unknown): string {
  const text = String(value ?? '');
  if (text !== '' && text !== '.' && text !== '..') return encodeURIComponent(text);
  const detail = `"${text}" can be no ${name}`;
  throw new ProblemError({ code: 'argument-invalid', status: 0, detail, retryable: false });
}

/** 128 random bits: pages that are not served over TLS have no `randomUUID`. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
