/** Serves an app on loopback. */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerType, serve } from '@hono/node-server';
import type { Hono } from 'hono';

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

/** Listens on 127.0.0.1 and nowhere else; port 0 takes a free one. Rejects where the port is taken. */
export function listen(
  app: Pick<Hono, 'fetch'>,
  port: number,
  takeUpgrade?: TakeUpgrade,
): Promise<HttpServer> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: LOOPBACK, port }, (info: AddressInfo) => {
      server.off('error', reject);
      resolve(wrap(server, `http://${LOOPBACK}:${info.port}`));
    });
    server.once('error', reject);
    if (takeUpgrade !== undefined) server.on('upgrade', takeUpgrade);
  });
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
