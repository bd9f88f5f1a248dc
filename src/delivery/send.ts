/**
 * Sends one message over HTTP. Invariants: 1. the connection goes to an address that was checked, the very
 * one that the name resolved to then; 2. redirects are not followed; 3. no more of an answer is read than
 * its limit, and none of it is kept.
 */
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { AddressPolicy } from './address-policy.js';

/** A message on its way to its receiver. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whose webhook it is; the empty text is the default tenant. */
  readonly tenant: string;
  /** Gives it up. */
  readonly signal: AbortSignal;
}

/** What a receiver answered. */
export interface WebhookAnswer {
  readonly status: number;
  /** What the header `retry-after` says. */
  readonly retryAfter?: string | undefined;
}

/** Rejects where there is no answer; a DeliveryFailure says why. */
export type SendWebhook = (request: WebhookRequest) => Promise<WebhookAnswer>;

/** What kept a message from being accepted. */
export type DeliveryErrorCode =
  | 'address-refused'
  | 'host-unknown'
  | 'connection-failed'
  | 'timeout'
  | 'status-refused';

/** Why a message was not accepted. */
export interface DeliveryError {
  readonly code: DeliveryErrorCode;
  readonly message: string;
  readonly status?: number;
}

export class DeliveryFailure extends Error {
  readonly code: DeliveryErrorCode;

  constructor(code: DeliveryErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export interface SenderParts {
  readonly policy: AddressPolicy;
  /** All addresses of a name; those of the system unless given. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>;
}

/** Bytes of an answer that are read, so that its connection can be used again. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** How long an answer may take behind its status, in milliseconds. */
const MAX_ANSWER_MS = 5_000;
/** How long a connection that nobody uses is kept, in milliseconds. */
const IDLE_MS = 30_000;

export class Sender {
  readonly #policy: AddressPolicy;
  readonly #resolve: (host: string) => Promise<readonly LookupAddress[]>;
  readonly #agents = {
    'http:': new http.Agent({ keepAlive: true, timeout: IDLE_MS, maxFreeSockets: 16 }),
    'https:': new https.Agent({ keepAlive: true, timeout: IDLE_MS, maxFreeSockets: 16 }),
  };

  constructor({ policy, resolve }: SenderParts) {
    this.#policy = policy;
    this.#resolve = resolve ?? ((host) => lookup(host, { all: true }));
  }

  readonly send: SendWebhook = async (request) => {
    const problem = this.#policy.problemOf(new URL(request.url));
    if (problem !== undefined) throw new DeliveryFailure('address-refused', problem);
    return this.#post(request, true);
  };

  /** Closes the connections that nobody uses. */
  close(): void {
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
  }

  #post(request: WebhookRequest, mayRepeat: boolean): Promise<WebhookAnswer> {
    const url = new URL(request.url);
    const { protocol } = url as URL & { protocol: 'http:' | 'https:' };
    const { request: open } = protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const sent = open(url, {
        method: 'POST',
        agent: this.#agents[protocol],
        headers: { ...request.headers, 'content-length': Buffer.byteLength(request.body) },
        lookup: this.#lookup,
        signal: request.signal,
      });
      sent.once('response', (response) => resolve(answerOf(response)));
      sent.once('error', (error: NodeJS.ErrnoException) => {
        // The other side closed a connection that was kept, before it saw the request.
        const wasStale = mayRepeat && sent.reusedSocket && error.code === 'ECONNRESET';
        if (wasStale) resolve(this.#post(request, false));
        else reject(asFailure(error));
      });
      // An answer that switches protocols is none, and no error either.
      sent.once('close', () => reject(asFailure(new Error('it ended without an answer'))));
      sent.end(request.body);
    });
  }

  /** Resolves a name for the connection itself: nothing is looked up again behind the check. */
  readonly #lookup: LookupFunction = (host, options, callback) => {
    this.#checked(host).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all) callback(null, [...addresses]);
        else callback(null, first?.address ?? '', first?.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };

  async #checked(host: string): Promise<readonly LookupAddress[]> {
    const addresses = await this.#resolve(host).catch((cause: unknown) => {
      throw new DeliveryFailure('host-unknown', `${host} has no address`, cause);
    });
    if (addresses.length === 0) throw new DeliveryFailure('host-unknown', `${host} has no address`);
    const refused = addresses.find(({ address }) => !this.#policy.allows(host, address));
    if (refused === undefined) return addresses;
    const message = `${host} is at ${refused.address}, which is not a public address`;
    throw new DeliveryFailure('address-refused', message);
  }
}

/** Reads the rest of an answer and forgets it; one that goes on is cut off. */
function answerOf(response: IncomingMessage): WebhookAnswer {
  let bytes = 0;
  const cutOff = setTimeout(() => response.destroy(), MAX_ANSWER_MS);
  response.once('close', () => clearTimeout(cutOff));
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) response.destroy();
  });
  response.on('error', () => {});
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
}

function asFailure(error: NodeJS.ErrnoException): Error {
  if (error instanceof DeliveryFailure || error.name === 'AbortError') return error;
  const message = `the connection failed: ${error.code ?? error.message}`;
  return new DeliveryFailure('connection-failed', message, error);
}
