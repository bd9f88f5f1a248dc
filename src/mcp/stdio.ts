/** The protocol over standard input and output: answered here, or passed on to a server. */
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
} from '@modelcontextprotocol/sdk/types.js';
import { createMcpServer, type McpServerOptions } from './mcp-server.js';

/** A conversation with the client that has started this process. */
export interface Conversation {
  /** Resolves when the client has gone. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** Answers here. */
export async function serveStdio(options: McpServerOptions): Promise<Conversation> {
  const transport = new StdioServerTransport();
  const ended = untilGone(transport);
  const server = createMcpServer(options);
  server.onerror = () => {};
  await server.connect(transport);
  return { ended, close: () => server.close() };
}

export interface PassOnOptions {
  /** Of the endpoint: `http://127.0.0.1:4747/mcp`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Told of what goes wrong on the way. */
  onError(error: Error): void;
}

/** Passes every message on to the endpoint of a server, and what it says back. */
export async function passOnStdio({ url, token, onError }: PassOnOptions): Promise<Conversation> {
  const client = new StdioServerTransport();
  const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  const server: Transport = new StreamableHTTPClientTransport(new URL(url), {
    ...(headers && { requestInit: { headers } }),
  });
  const ended = untilGone(client);
  client.onmessage = (message) => {
    server.send(message).catch((error: Error) => {
      onError(error);
      if (isJSONRPCRequest(message)) void client.send(unreachable(message.id, error));
    });
  };
  server.onmessage = (message) => {
    if (isJSONRPCResultResponse(message)) adoptVersion(server, message);
    void client.send(message);
  };
  server.onerror = onError;
  await server.start();
  await client.start();
  return {
    ended,
    async close() {
      await (server as StreamableHTTPClientTransport).terminateSession().catch(onError);
      await server.close();
      await client.close();
    },
  };
}

/** The version that the two sides agree on goes into the headers of what follows. */
function adoptVersion(server: Transport, message: JSONRPCMessage): void {
  const version = 'result' in message ? message.result.protocolVersion : undefined;
  if (typeof version === 'string') server.setProtocolVersion?.(version);
}

function unreachable(id: string | number, { message }: Error): JSONRPCMessage {
  const told = `the server did not take this: ${message}`;
  return { jsonrpc: '2.0', id, error: { code: -32_000, message: told } };
}

function untilGone(transport: StdioServerTransport): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.once('end', resolve).once('close', resolve);
    transport.onclose = () => resolve();
  });
}
