/** A receiver of webhooks on loopback. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Taken {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly type: string;
  readonly path: string;
}

export interface RealReceiver {
  readonly url: string;
  /** Every request, in order. */
  readonly taken: readonly Taken[];
  /** Status of the answers from now on. */
  status: number;
}

/** Opens one that is closed when the test is over. */
export async function openReceiver(): Promise<RealReceiver> {
  const taken: Taken[] = [];
  const receiver = { url: '', taken, status: 204 };
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const { type } = JSON.parse(body) as { type: string };
    taken.push({ headers: request.headers, body, type, path: request.url ?? '' });
    response.writeHead(receiver.status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
  return receiver;
}

export async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
