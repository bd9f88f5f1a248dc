/**
 * The inspector of a server: its page and the sockets behind it, below `/inspect`. Invariants: a socket is opened
 * only under a Host of this machine, from no page but its own, with a ticket that is good once; there is a limit to
 * how many; who sends anything is no watcher.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { Hono } from 'hono';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Mask } from '../../inspect/conversion.js';
import type { InspectSource } from '../../inspect/inspect-source.js';
import { isLoopbackUrl } from '../loopback.js';
import { type HttpServer, type ListenOptions, listen, type TakeUpgrade } from '../server.js';
import { createInspectApp } from './inspect-app.js';
import { sendInspection } from './inspect-socket.js';
import { Passes } from './passes.js';

export interface InspectorOptions {
  /** Gives values of contexts and events as watchers may see them. */
  readonly mask?: Mask;
  /** Watchers at a time; 32 unless given. */
  readonly maxWatchers?: number;
  /** Told of errors that callers only learn to be internal. */
  onInternalError?(error: unknown): void;
}

const NOTHING = new Hono();
const INSPECT_PATH = '/inspect';
const SOCKET_PATH = `${INSPECT_PATH}/socket`;
const MAX_WATCHERS = 32;
/** A watcher has nothing to say. */
const MAX_MESSAGE_BYTES = 1024;
const GOING_AWAY = 1001;

export class Inspector {
  readonly #source: InspectSource;
  readonly #options: InspectorOptions;
  readonly #passes = new Passes();
  readonly #sockets: WebSocketServer;
  readonly #app: ReturnType<typeof createInspectApp>;

  constructor(source: InspectSource, options: InspectorOptions = {}) {
    this.#source = source;
    this.#options = options;
    this.#sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
    this.#app = createInspectApp({ ...options, source, passes: this.#passes, mask: options.mask });
  }

  /** Watchers that are connected. */
  get watchers(): number {
    return this.#sockets.clients.size;
  }

  /** Listens for itself, and for an app that takes all requests but those below `/inspect`. */
  listen(
    port: number,
    app: Pick<Hono, 'fetch'> = NOTHING,
    options: ListenOptions = {},
  ): Promise<HttpServer> {
    const fetch: Hono['fetch'] = (request, ...more) => {
      const { pathname } = new URL(request.url);
      const isOurs = pathname === INSPECT_PATH || pathname.startsWith(`${INSPECT_PATH}/`);
      return (isOurs ? this.#app : app).fetch(request, ...more);
    };
    const takeUpgrade: TakeUpgrade = (...upgrade) => this.#upgrade(...upgrade);
    return listen({ fetch }, port, { ...options, takeUpgrade });
  }

  /** Address of the page, with a ticket that is good once; of the list of runs unless one is named. */
  pageUrl(server: string, run?: string): string {
    return this.#address(server, '/', run);
  }

  /** Address of the page that shows the run in the Stately inspector, which is on the internet. */
  statelyUrl(server: string, run: string): string {
    return this.#address(server, '/stately.html', run);
  }

  /** Address of the stream of a run for receivers of the inspector protocol, with a ticket that is good once. */
  socketUrl(server: string, run: string): string {
    const query = new URLSearchParams({ run, ticket: this.#passes.issue() });
    return `${server.replace(/^http/, 'ws')}${SOCKET_PATH}?${query}`;
  }

  /** Takes the upgrade of a connection to a socket, or refuses it. */
  #upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
    const { host = '', origin } = request.headers;
    const url = new URL(request.url ?? '/', `http://${host || 'nowhere'}`);
    connection.on('error', () => connection.destroy());
    if (!isLoopbackUrl(url.origin)) return refuse(connection, 403);
    if (origin !== undefined && origin !== url.origin) return refuse(connection, 403);
    if (url.pathname !== SOCKET_PATH) return refuse(connection, 404);
    if (this.watchers >= (this.#options.maxWatchers ?? MAX_WATCHERS))
      return refuse(connection, 503);
    if (!this.#passes.redeem(url.searchParams.get('ticket') ?? '')) return refuse(connection, 401);
    this.#sockets.handleUpgrade(request, connection, head, (socket) =>
      this.#watch(socket, url.searchParams),
    );
  }

  /** Ends all watching. */
  close(): void {
    for (const socket of this.#sockets.clients) socket.close(GOING_AWAY, 'the server is closing');
    this.#sockets.close();
  }

  #watch(socket: WebSocket, asked: URLSearchParams): void {
    const { mask } = this.#options;
    socket.on('message', () => socket.terminate());
    const inspection = this.#source.inspect(asked.get('run') ?? '', {
      actors: asked.get('actors') === 'all' ? 'all' : 'live',
      definitions: asked.get('definitions') === 'each' ? 'each' : 'once',
      ...(mask && { mask }),
    });
    void sendInspection(socket, inspection);
  }

  #address(server: string, path: string, run: string | undefined): string {
    const query = run === undefined ? '' : `?${new URLSearchParams({ run })}`;
    // Behind the hash: what stands there is sent to no server.
    return `${server}${INSPECT_PATH}${path}${query}#ticket=${this.#passes.issue()}`;
  }
}

function refuse(connection: Duplex, status: number): void {
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`;
  connection.end(`${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
