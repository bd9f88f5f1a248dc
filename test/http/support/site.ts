/** An orchestrator on a database of its own, served over real HTTP on loopback. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Handlers } from '../../../src/actors/handlers.js';
import { createOrchestrator } from '../../../src/create-orchestrator.js';
import { createHttpApp, type HttpOptions } from '../../../src/http/app.js';
import { listen } from '../../../src/http/server.js';
import type { Orchestrator } from '../../../src/orchestrator.js';
import type { OrchestratorOptions } from '../../../src/orchestrator-options.js';
import type { RunEvent } from '../../../src/views.js';
import { assertDocumented } from './document.js';

/** Each answer is held against the OpenAPI document. */
export interface Site {
  readonly url: string;
  readonly orchestrator: Orchestrator;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export async function openSite(
  handlers: Handlers,
  options: HttpOptions = {},
  more: Partial<OrchestratorOptions> = {},
): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-http-'));
  const orchestrator = await createOrchestrator({
    url: join(folder, 'runs.db'),
    handlers,
    ...more,
  });
  const server = await listen(createHttpApp(orchestrator, options), 0);
  const { url } = server;
  return {
    url,
    orchestrator,
    async get(path, headers = {}) {
      const response = await fetch(url + path, { headers });
      await assertDocumented({ method: 'GET', url: url + path }, response);
      return response;
    },
    async post(path, body, headers = { 'content-type': 'application/json' }) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const init = { method: 'POST', headers, ...(body !== undefined && { body: text }) };
      const response = await fetch(url + path, init);
      await assertDocumented({ method: 'POST', url: url + path, body }, response);
      return response;
    },
    async close() {
      const closed = server.stopListening();
      server.closeConnections();
      await closed;
      await orchestrator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface StreamItem {
  /** Absent for a comment. */
  readonly event?: RunEvent;
  readonly lastEventId?: string;
}

/** Reads a stream of events as a browser would; ends with the stream. */
export async function* readStream(response: Response): AsyncGenerator<StreamItem> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) yield parseBlock(block);
  }
}

function parseBlock(block: string): StreamItem {
  const fields = new Map(
    block.split('\n').map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1).trim()] as const;
    }),
  );
  const data = fields.get('data');
  const lastEventId = fields.get('id');
  return {
    ...(data !== undefined && { event: JSON.parse(data) as RunEvent }),
    ...(lastEventId !== undefined && { lastEventId }),
  };
}

/** Numbers of the events that a stream brings until it ends. */
export async function numbersOf(response: Response): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { event } of readStream(response)) {
    if (event !== undefined) numbers.push(event.seq);
  }
  return numbers;
}

export const STREAM = { accept: 'text/event-stream' };

/** The body of an answer, in the shape that the test expects. */
export async function bodyOf<T>(response: Response | Promise<Response>): Promise<T> {
  return (await (await response).json()) as T;
}
