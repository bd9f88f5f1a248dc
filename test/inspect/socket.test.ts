import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { sendInspection } from '../../src/http/inspect/inspect-socket.js';
import { Inspector, type InspectorOptions } from '../../src/http/inspect/inspector.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { openOrchestrator, startVaried } from '../history/support/played-runs.js';
import { temporaryDatabase } from '../support/temporary.js';
import { fan, Gate } from './support/large.js';

interface Served {
  readonly inspector: Inspector;
  readonly url: string;
}

async function serve(orchestrator: Orchestrator, options?: InspectorOptions): Promise<Served> {
  const inspector = new Inspector(orchestrator, options);
  const server = await inspector.listen(0);
  onTestFinished(async () => {
    inspector.close();
    const closed = server.stopListening();
    server.closeConnections();
    await closed;
  });
  return { inspector, url: server.url };
}

/** The HTTP status that a socket is refused with, or 101. */
function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  const asked = request(url.replace(/^ws/, 'http'), {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    },
  });
  return new Promise((resolve) => {
    asked.on('response', ({ statusCode }) => resolve(statusCode ?? 0));
    asked.on('upgrade', (_, socket) => {
      socket.destroy();
      resolve(101);
    });
    asked.end();
  });
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

describe('the socket of the inspector', () => {
  it('S211 the receiver of @statelyai/inspect that attaches late to 2,000 node runs sees every actor and every later event', async () => {
    const gate = new Gate();
    const orchestrator = await openOrchestrator(temporaryDatabase(), {
      handlers: gate.handlers(),
      limits: { concurrency: 2_000 },
    });
    const { inspector, url } = await serve(orchestrator);
    await orchestrator.start(fan(2_002), { id: 'r1' });
    await until(() => (orchestrator.live()[0]?.nodes.completed ?? 0) >= 1_001);
    const before = await orchestrator.runs.details('r1');

    const seen: StatelyInspectionEvent[] = [];
    const receiver = createWebSocketReceiver({ server: inspector.socketUrl(url, 'r1') });
    receiver.subscribe((event) => seen.push(event));
    await until(() => seen.length >= 1_001);
    const described = seen
      .filter(({ type }) => type === '@xstate.actor')
      .map((one) => one.sessionId);
    gate.open();
    await orchestrator.result('r1');
    const { seq } = await orchestrator.runs.details('r1');
    const numbers = () =>
      seen.flatMap((one) => (one.type === '@xstate.event' ? [Number(one.event.seq)] : []));
    await until(() => numbers().at(-1) === seq);

    const running = before.nodes.filter(({ status }) => status === 'running');
    expect(new Set(described)).toEqual(new Set(['r1', ...running.map(({ node }) => `r1/${node}`)]));
    expect(running).toHaveLength(1_000);
    const later = Array.from({ length: seq - before.seq }, (_, i) => before.seq + 1 + i);
    expect(numbers()).toEqual(later);
    const done = seen.filter(
      (one) => one.type === '@xstate.snapshot' && one.snapshot.status === 'done',
    );
    const ended = new Set(done.map(({ sessionId }) => sessionId));
    expect(ended).toEqual(new Set([...described, 'r1/last']));
    expect(inspector.watchers).toBeLessThanOrEqual(1);
  });

  it('S211 a watcher that takes nothing costs a bounded buffer, and holds up nobody', async () => {
    const orchestrator = await openOrchestrator(temporaryDatabase());
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => sockets.close());
    await once(sockets, 'listening');
    const connected = once(sockets, 'connection') as Promise<[WebSocket]>;
    const client = new WebSocket(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`);
    const [socket] = await connected;
    client.pause();
    await orchestrator.start(fan(102), { id: 'r1' });
    // Each event weighs 100 kB, so that the run has far more to tell than any socket holds.
    const mask = () => ({ text: 'x'.repeat(100_000) });
    const sending = sendInspection(socket, orchestrator.inspect('r1', { mask, actors: 'all' }));
    await orchestrator.result('r1');
    expect((await orchestrator.runs.details('r1')).seq).toBeGreaterThan(300);
    const most = () => socket.bufferedAmount;
    await until(() => most() > 256 * 1024);
    for (let look = 0; look < 1_000; look += 1) await until(() => true);
    expect(most()).toBeLessThan(256 * 1024 + 150_000);
    client.terminate();
    await sending;
  });

  it('S211 a socket opens with a ticket that is good once, from no foreign page and under no foreign name', async () => {
    const orchestrator = await openOrchestrator(temporaryDatabase());
    await startVaried(orchestrator, 'r1');
    const { inspector, url } = await serve(orchestrator, { maxWatchers: 2 });
    const good = () => inspector.socketUrl(url, 'r1');
    const { host } = new URL(url);
    expect(await statusOf(good())).toBe(101);
    expect(await statusOf(good(), { origin: url })).toBe(101);
    expect(await statusOf(good(), { origin: 'http://evil.example' })).toBe(403);
    expect(await statusOf(good(), { origin: 'http://127.0.0.1:1' })).toBe(403);
    expect(await statusOf(good(), { origin: 'null' })).toBe(403);
    expect(await statusOf(good(), { host: 'evil.example' })).toBe(403);
    expect(await statusOf(good(), { host: host.replace('127.0.0.1', 'localhost') })).toBe(101);
    expect(await statusOf(`${url}/inspect/socket?run=r1`)).toBe(401);
    expect(await statusOf(`${url}/inspect/socket?run=r1&ticket=guessed`)).toBe(401);
    expect(await statusOf(good().replace('/inspect/socket', '/elsewhere'))).toBe(404);
    const used = good();
    await until(() => inspector.watchers === 0);
    expect(await statusOf(used)).toBe(101);
    expect(await statusOf(used)).toBe(401);
    const watchers = [new WebSocket(good()), new WebSocket(good())];
    await Promise.all(watchers.map((one) => once(one, 'open')));
    expect(await statusOf(good())).toBe(503);
    for (const one of watchers) one.terminate();
  });

  it('S211 who sends something is no watcher, and a run that is not there closes the socket with its code', async () => {
    const orchestrator = await openOrchestrator(temporaryDatabase());
    await startVaried(orchestrator, 'r1');
    const { inspector, url } = await serve(orchestrator);
    const talker = new WebSocket(inspector.socketUrl(url, 'r1'));
    await once(talker, 'open');
    talker.send('hello');
    expect((await once(talker, 'close'))[0]).toBe(1006);
    const lost = new WebSocket(inspector.socketUrl(url, 'nobody'));
    const [code, reason] = await once(lost, 'close');
    expect([code, String(reason)]).toEqual([1011, 'run-unknown']);
    const watching = new WebSocket(inspector.socketUrl(url, 'r1'));
    await once(watching, 'message');
    inspector.close();
    expect((await once(watching, 'close'))[0]).toBe(1001);
  });

  it('S211 the data of the page is given to a session alone, which a ticket opens once, and it is masked', async () => {
    const orchestrator = await openOrchestrator(temporaryDatabase());
    await startVaried(orchestrator, 'r1');
    const mask = () => ({ masked: true });
    const { inspector, url } = await serve(orchestrator, { mask });
    const api = (path: string, init: RequestInit = {}) => fetch(`${url}/inspect/api/${path}`, init);
    const open = (ticket: string) =>
      api('session', {
        method: 'POST',
        body: JSON.stringify({ ticket }),
        headers: { 'content-type': 'application/json' },
      });
    const ticket = new URL(inspector.pageUrl(url, 'r1')).hash.replace('#ticket=', '');
    const opened = await open(ticket);
    const { session } = (await opened.json()) as { session: string };
    expect((await open(ticket)).status).toBe(401);
    const headers = { authorization: `Bearer ${session}` };
    for (const path of [
      'runs',
      'runs/r1/graph',
      'runs/r1/actors',
      'runs/r1/events',
      'runs/r1/edges',
    ]) {
      expect((await api(path)).status).toBe(401);
      expect((await api(path, { headers: { authorization: `Bearer ${ticket}` } })).status).toBe(
        401,
      );
      expect((await api(path, { headers })).status).toBe(200);
    }
    expect((await api('tickets', { method: 'POST' })).status).toBe(401);
    expect(
      (await api('runs', { headers: { ...headers, origin: 'http://evil.example' } })).status,
    ).toBe(403);
    const list = await (await api('runs', { headers })).json();
    const shown = { id: 'r1', status: 'awaiting-human', createdAt: expect.any(Number) };
    expect(list).toEqual({ runs: expect.arrayContaining([shown]) });
    const bad = await api('runs/r1/events?limit=many', { headers });
    expect(await bad.json()).toMatchObject({ code: 'argument-invalid' });
    const text = await (await api('runs/r1/actors?at=20', { headers })).text();
    expect(text).toContain('"context":{"masked":true}');
    expect(text).not.toContain('"context":{"attempt"');
    const events = await (await api('runs/r1/events', { headers })).text();
    expect(events).toContain('"detail":{"masked":true}');
    expect(events).not.toContain('"to":');
    const gone = await api('runs/nobody/graph', { headers });
    expect(await gone.json()).toMatchObject({ code: 'run-unknown' });
  });
});
