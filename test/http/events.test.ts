import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventStream } from '../../src/http/event-stream.js';
import { plan } from '../../src/plan/builder.js';
import type { Plan } from '../../src/plan/schema.js';
import type { RunEvent } from '../../src/views.js';
import { upTo } from '../support/numbers.js';
import { bodyOf, numbersOf, openSite, readStream, type Site, STREAM } from './support/site.js';

let site: Site;
afterEach(() => site?.close());

function chain(length: number): Plan {
  const ids = upTo(length).map((number) => `n${number}`);
  return {
    title: 'Chain',
    nodes: ids.map((id) => ({ kind: 'action', id, handler: 'work' })),
    edges: ids.slice(1).map((target, index) => ({ source: ids[index] ?? '', target })),
  };
}

const held = plan('Held')
  .action('first', { handler: 'work' })
  .approval('gate')
  .sequence('first', 'gate')
  .build();

async function finishedChain(length: number, work: () => unknown = () => 1) {
  site = await openSite({ work });
  const run = await site.orchestrator.start(chain(length), { id: 'r' });
  await run.result();
  return (await site.orchestrator.runs.details('r')).seq;
}

describe('a stream of events (S187)', () => {
  it('backfills after a number, goes on live, and ends after the terminal event', async () => {
    site = await openSite({ work: () => 1 });
    const run = await site.orchestrator.start(held, { id: 'r' });
    await site.orchestrator.settled('r');
    const response = await site.get('/runs/r/events?after=3', STREAM);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const seen: RunEvent[] = [];
    for await (const { event, lastEventId } of readStream(response)) {
      if (event === undefined) continue;
      expect(lastEventId).toBe(String(event.seq));
      seen.push(event);
      if (event.type !== 'task.opened') continue;
      await site.orchestrator.respond(String(event.detail.task), { response: { approved: true } });
    }
    await run.result();
    expect(seen).toEqual(await site.orchestrator.runs.events('r', 3));
    expect(seen.at(-1)?.type).toBe('run.completed');
  });

  it('ends after the terminal event when it was in the backfill', async () => {
    const last = await finishedChain(3);
    expect(await numbersOf(await site.get('/runs/r/events', STREAM))).toEqual(upTo(last));
  });

  it('answers 204 to a client that has the terminal event', async () => {
    const last = await finishedChain(1);
    const response = await site.get('/runs/r/events', { ...STREAM, 'last-event-id': String(last) });
    expect(response.status).toBe(204);
  });

  it('S173 is refused, and not begun, where retention has removed what it is to begin with', async () => {
    site = await openSite({ work: () => 1 });
    await site.orchestrator.start(held, { id: 'r' });
    await site.orchestrator.settled('r');
    await site.orchestrator.trim({ historyOlderThanMs: 0 });
    const refused = await site.get('/runs/r/events?after=0', STREAM);
    const { code } = await bodyOf<{ code: string }>(refused);
    expect([refused.status, code]).toEqual([410, 'history-trimmed']);
  });

  it('prefers Last-Event-ID to the query, and refuses what is no number', async () => {
    const last = await finishedChain(1);
    const path = '/runs/r/events?after=1';
    const resumed = await site.get(path, { ...STREAM, 'last-event-id': String(last - 1) });
    expect(await numbersOf(resumed)).toEqual([last]);
    expect((await site.get(path, { ...STREAM, 'last-event-id': 'x' })).status).toBe(400);
    expect((await site.get('/runs/nobody/events', STREAM)).status).toBe(404);
  });

  it('says that it is still there', async () => {
    site = await openSite({ work: () => 1 }, { heartbeatMs: 5 });
    await site.orchestrator.start(held, { id: 'r' });
    await site.orchestrator.settled('r');
    const { seq } = await site.orchestrator.runs.details('r');
    const response = await site.get(`/runs/r/events?after=${seq}`, STREAM);
    let comments = 0;
    for await (const { event } of readStream(response)) {
      expect(event).toBeUndefined();
      comments += 1;
      // The first is the delay for reconnecting.
      if (comments === 4) break;
    }
    expect(comments).toBe(4);
  });

  it('delivers each event once to a client whose connection is cut anywhere', async () => {
    const last = await finishedChain(20);
    const cuts = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (sizes) => {
        const seen: number[] = [];
        for (const size of [...sizes, Number.POSITIVE_INFINITY]) {
          const headers = { ...STREAM, 'last-event-id': String(seen.at(-1) ?? 0) };
          let left = size;
          for await (const { event } of readStream(await site.get('/runs/r/events', headers))) {
            if (event !== undefined) {
              seen.push(event.seq);
              left -= 1;
            }
            if (left <= 0) break;
          }
        }
        expect(seen).toEqual(upTo(last));
      }),
      { numRuns: 15 },
    );
  });
});

describe('a reader that stalls (trap 26)', () => {
  it('has the log read no further than it has taken', async () => {
    let asked = 0;
    const source = {
      async next(): Promise<IteratorResult<RunEvent>> {
        asked += 1;
        const detail = {};
        const from = { emitter: { kind: 'run' }, correlation: 'r' } as const;
        const base = { run: 'r', type: 't', node: null, attempt: null, at: 0, detail, ...from };
        return { done: false, value: { ...base, id: `r/${asked}`, seq: asked } };
      },
    };
    const stream = eventStream({
      ...{ events: source, heartbeatMs: 60_000, onEnd() {} },
      format: (event) => JSON.stringify(event),
    });
    const reader = stream.getReader();
    for (const times of upTo(4)) {
      await reader.read();
      await new Promise(setImmediate);
      expect(asked).toBeLessThanOrEqual(times);
    }
    await reader.cancel();
  });

  it('costs a few pages and disturbs no other', async () => {
    const blob = 'x'.repeat(20_000);
    const events = upTo(50).map((number) => ({ name: `n${number}`, detail: blob }));
    const last = await finishedChain(20, () => ({ ok: true, output: 1, events }));
    const pages = vi.spyOn(site.orchestrator.runs, 'events');
    const { hostname, port } = new URL(site.url);
    const stalled = await Promise.all(
      upTo(8).map(async () => {
        const socket = connect(Number(port), hostname);
        socket.write(
          `GET /runs/r/events HTTP/1.1\r\nHost: ${hostname}\r\nAccept: text/event-stream\r\n\r\n`,
        );
        await new Promise((resolve) => socket.once('readable', resolve));
        return socket;
      }),
    );
    expect(await numbersOf(await site.get('/runs/r/events', STREAM))).toEqual(upTo(last));
    const read = await Promise.all(
      pages.mock.results.map(({ value }) => value as Promise<RunEvent[]>),
    );
    const count = read.reduce((sum, page) => sum + page.length, 0);
    // What the sockets hold, and a page each: far from the twenty megabytes that lie in the log.
    expect(count - last).toBeLessThan((stalled.length * last) / 2);
    for (const socket of stalled) socket.destroy();
  });

  it('S187 a hundred of them cost no memory that counts, and others see every event', async () => {
    const events = upTo(25).map((number) => ({ name: `n${number}`, detail: 'x'.repeat(40_000) }));
    const last = await finishedChain(20, () => ({ ok: true, output: 1, events }));
    await numbersOf(await site.get('/runs/r/events', STREAM));
    const before = memory();
    const { hostname, port } = new URL(site.url);
    const request = `GET /runs/r/events HTTP/1.1\r\nHost: ${hostname}\r\nAccept: text/event-stream\r\n\r\n`;
    const stalled = await Promise.all(
      upTo(100).map(async () => {
        const socket = connect(Number(port), hostname);
        socket.write(request);
        await new Promise((resolve) => socket.once('readable', resolve));
        return socket;
      }),
    );
    const others = await Promise.all(upTo(5).map(() => site.get('/runs/r/events', STREAM)));
    for (const seen of await Promise.all(others.map(numbersOf))) expect(seen).toEqual(upTo(last));
    expect(memory() - before).toBeLessThan(50 * 1024 * 1024);
    for (const socket of stalled) socket.destroy();
  });
});

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** What is held after everything that can go has gone, in bytes. */
function memory(): number {
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
