/** Serves an app, on loopback unless every request has to bring a token. */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerType, serve } from '@hono/node-server';
import type { Hono } from 'hono';
import { RunchartError } from '../errors.js';

const LOOPBACK = '127.0.0.1';

export interface HttpServer {
  /** Where it can be reached. */
  readonly url: string;
  /** Takes no further connections; resolves when the last one has ended. */
  stopListening(): Promise<void>;
  /** Ends the connections that are left. */
  closeConnections(): void;
}

/** Takes connections that are to be something else than HTTP. */
export type TakeUpgrade = (request: IncomingMessage, connection: Duplex, head: Buffer) => void;

export interface ListenOptions {
  /** Address to listen on; 127.0.0.1 unless given. */
  readonly host?: string;
  /** Whether the app asks for tokens: without them it is served on loopback alone. */
  readonly needsTokens?: boolean;
  /** Connections at a time; 1,000 unless given. */
  readonly maxConnections?: number;
  /** How long a client may take to send the headers of a request, in milliseconds; 15,000 unless given, 0 for no limit. Then it gets a 408, and the connection ends. */
  readonly headersTimeoutMs?: number;
  /** How long a client may take to send all of a request, in milliseconds; 300,000 unless given, 0 for no limit. Ends as `headersTimeoutMs` does. */
  readonly requestTimeoutMs?: number;
  readonly takeUpgrade?: TakeUpgrade;
}

const MAX_CONNECTIONS = 1_000;
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 300_000;
/** Longest time between two looks at who is too slow, in milliseconds. */
const LOOK_MS = 5_000;
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set([LOOPBACK, '::1', 'localhost']);

export function isLoopbackHost(host: string): boolean {
  return LOOPBACK_HOSTS.has(host);
}

/**
 * Port 0 takes a free one. Rejects where the port is taken, and with `argument-invalid` where others could
 * come in without a token.
 */
export async function listen(
  app: Pick<Hono, 'fetch'>,
  port: number,
  options: ListenOptions = {},
): Promise<HttpServer> {
  const { host = LOOPBACK, needsTokens = false, maxConnections, takeUpgrade } = options;
  if (!isLoopbackHost(host) && !needsTokens) {
    const message = `without tokens nobody but this machine is served, and ${host} is wider`;
    throw new RunchartError('argument-invalid', message, { hint: 'require tokens' });
  }
  return new Promise((resolve, reject) => {
    const serverOptions = timeoutsOf(options);
    const serving = { fetch: app.fetch, hostname: host, port, serverOptions };
    const server = serve(serving, (info: AddressInfo) => {
      server.off('error', reject);
      resolve(wrap(server, `http://${reachable(host)}:${info.port}`));
    });
    if ('maxConnections' in server) server.maxConnections = maxConnections ?? MAX_CONNECTIONS;
    server.once('error', reject);
    if (takeUpgrade !== undefined) server.on('upgrade', takeUpgrade);
  });
}

/** Who sends byte by byte holds a connection for so long and no longer. */
function timeoutsOf({
  headersTimeoutMs = HEADERS_TIMEOUT_MS,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
}: ListenOptions) {
  // 0 is no limit.
  const limits = [headersTimeoutMs, requestTimeoutMs].filter((ms) => ms > 0);
  const shortest = Math.min(...limits, Number.MAX_SAFE_INTEGER);
  return {
    headersTimeout: headersTimeoutMs === 0 ? 0 : shortest,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(LOOK_MS, Math.ceil(shortest / 2)),
  };
}

/** An address that leads there from this machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return LOOPBACK;
  return host.includes(':') ? `[${host}]` : host;
}

function wrap(server: ServerType, url: string): HttpServer {
  return {
    url,
    stopListening: () => new Promise((resolve) => server.close(() => resolve())),
    closeConnections() {
      if ('closeAllConnections' in server) server.closeAllConnections();
    },
  };
}
