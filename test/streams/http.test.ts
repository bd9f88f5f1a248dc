/** Streams over HTTP: watched by a client, fed by workers, with the command line. */
import { afterEach, expect, it, vi } from 'vitest';
import { createClient, type StreamItem } from '../../src/client/index.js';
import { external, type HandlerContext } from '../../src/index.js';
import { connect } from '../../src/worker/index.js';
import { Workplace } from '../cli/support/workplace.js';
import { openSite, type Site, STREAM } from '../http/support/site.js';
import { action, plan } from '../support/plans.js';

let site: Site;
afterEach(() => site?.close());

const one = plan([action('a')]).plan;

/** A handler that goes on when it is told to. */
function stepwise(steps: readonly ((context: HandlerContext) => void)[]) {
  const gates = steps.map(() => {
    let open = () => {};
    const isOpen = new Promise<void>((resolve) => {
      open = resolve;
    });
    return { open, isOpen };
  });
  const work = async (_: unknown, context: HandlerContext) => {
    for (const [place, step] of steps.entries()) {
      await gates[place]?.isOpen;
      step(context);
    }
  };
  return { work, go: (place: number) => gates[place]?.open() };
}

async function all(items: AsyncIterable<StreamItem>): Promise<StreamItem[]> {
  const found: StreamItem[] = [];
  for await (const item of items) found.push(item);
  return found;
}

it('S236 is read as it stands, and followed as a stream that ends with the run; then there is none', async () => {
  const { work, go } = stepwise([({ stream }) => stream('a'), ({ stream }) => stream({ b: 1 })]);
  site = await openSite({ work });
  const run = await site.orchestrator.start(one, { id: 'r1' });
  go(0);
  const asked = async () => (await site.get('/runs/r1/stream')).json();
  while (((await asked()) as { items: [] }).items.length === 0);
  const chunk = { type: 'chunk', node: 'a', generation: 1, attempt: 1 };
  expect(await asked()).toEqual({ items: [{ ...chunk, number: 1, value: 'a' }] });
  expect(await (await site.get('/runs/r1/stream?node=b')).json()).toEqual({ items: [] });
  const response = await site.get('/runs/r1/stream', STREAM);
  go(1);
  const text = await response.text();
  const sent = [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json));
  expect(sent).toMatchObject([
    { ...chunk, number: 1, value: 'a' },
    { ...chunk, number: 2, value: { b: 1 } },
    { type: 'end', chunks: 2 },
  ]);
  await run.result();
  expect((await site.get('/runs/r1/stream', STREAM)).status).toBe(204);
  expect((await site.get('/runs/none/stream', STREAM)).status).toBe(404);
});

it('S236 a client whose connections are cut is told each chunk once', async () => {
  const count = 40;
  const steps = Array.from({ length: count }, (_, number) => ({ stream }: HandlerContext) => {
    stream(String(number));
  });
  const { work, go } = stepwise(steps);
  site = await openSite({ work });
  await site.orchestrator.start(one, { id: 'r1' });
  let connections = 0;
  /** Each connection ends after some bytes, the last one does not. */
  const cutting = async (url: URL | Request | string, init?: RequestInit) => {
    const response = await fetch(url, init);
    connections += 1;
    if (connections > 5 || response.body === null) return response;
    let left = 400;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        left -= bytes.length;
        controller.enqueue(bytes);
        if (left <= 0) controller.terminate();
      },
    });
    return new Response(response.body.pipeThrough(cut), response);
  };
  const client = createClient({ url: site.url, fetch: cutting as typeof fetch });
  const items: StreamItem[] = [];
  let next = 0;
  go(next++);
  for await (const item of client.stream('r1')) {
    items.push(item);
    go(next++);
  }
  const numbers = items.flatMap((item) => (item.type === 'chunk' ? [item.number] : []));
  expect(numbers).toEqual(Array.from({ length: count }, (_, place) => place + 1));
  expect(connections).toBeGreaterThan(5);
});

it('S236 a worker outside streams, and its chunks reach watchers in order', async () => {
  site = await openSite({ work: external({ leaseMs: 5_000 }) });
  const run = await site.orchestrator.start(one, { id: 'r1' });
  const watching = all(createClient({ url: site.url }).stream('r1', { node: 'a' }));
  const worker = connect(site.url).work(
    {
      work: (_, { stream }) => {
        for (let number = 1; number <= 600; number += 1) stream(`${number} `);
        // A pair of surrogates that is cut in two.
        stream('\ud83d');
        stream('\ude00');
        expect(() => stream('x'.repeat(65_537))).toThrow(/65536/);
        return 'done';
      },
    },
    { stopOn: [] },
  );
  expect((await run.result()).outputs.a).toBe('done');
  const items = await watching;
  await worker.stop();
  // What came in one call may be more than is kept: whoever missed some was told so.
  const told = items.reduce((sum, item) => {
    if (item.type === 'chunk') return sum + 1;
    return item.type === 'gap' ? sum + item.chunks : sum;
  }, 0);
  expect(told).toBe(602);
  expect(items.at(-1)).toMatchObject({ type: 'end', chunks: 602 });
  expect(items.at(-2)).toMatchObject({ value: '😀', number: 602 });
  const events = await site.orchestrator.runs.events('r1');
  const kinds = events.filter(({ type }) => /^attempt\.(claimed|progressed|streamed)$/.test(type));
  expect(kinds).toMatchObject([
    { type: 'attempt.claimed' },
    { type: 'attempt.streamed', detail: { chunks: 602 } },
  ]);
});

it('S236 chunks that are sent again are not shown again, those without the lease are refused, and nothing is recorded', async () => {
  site = await openSite({ work: external({ leaseMs: 5_000 }) });
  await site.orchestrator.start(one, { id: 'r1' });
  const [claim] = await site.orchestrator.work.claim({ worker: 'w', capabilities: ['work'] });
  const token = claim?.token ?? '';
  const { seq } = await site.orchestrator.runs.details('r1');
  const send = (number: number, chunks: readonly unknown[]) =>
    site.post('/work/stream', { token, number, chunks });
  expect((await send(1, ['a', 'b'])).status).toBe(204);
  expect((await send(1, ['a', 'b'])).status).toBe(204);
  expect((await send(5, ['e'])).status).toBe(204);
  const { items } = (await (await site.get('/runs/r1/stream')).json()) as { items: StreamItem[] };
  expect(items.map((item) => (item.type === 'chunk' ? item.value : item))).toMatchObject([
    ...['a', 'b', { type: 'gap', chunks: 2 }, 'e'],
  ]);
  expect((await site.orchestrator.runs.details('r1')).seq).toBe(seq);
  expect(await site.orchestrator.audit.list()).toEqual([]);
  expect((await send(6, ['x'.repeat(65_537)])).status).toBe(413);
  expect((await send(0, ['x'])).status).toBe(400);
  await site.orchestrator.work.complete(token, 1);
  await site.orchestrator.result('r1');
  const late = await send(6, ['late']);
  expect([late.status, ((await late.json()) as { code: string }).code]).toEqual([409, 'run-ended']);
  const markers = (await site.orchestrator.runs.events('r1')).filter(
    ({ type }) => type === 'attempt.streamed',
  );
  expect(markers).toMatchObject([{ detail: { chunks: 3 } }]);
});

it('S236 the command line prints texts as they come', async () => {
  const { work, go } = stepwise([
    ({ stream }) => {
      for (const word of ['Once ', 'upon ', 'a time', '\u001b[31m']) stream(word);
      stream({ done: true });
    },
  ]);
  site = await openSite({ work });
  await site.orchestrator.start(one, { id: 'r1' });
  const place = new Workplace();
  try {
    const stream = vi.spyOn(site.orchestrator, 'stream');
    const ended = place.cli('stream', 'r1', '--url', site.url);
    await vi.waitUntil(() => stream.mock.calls.length > 0, { timeout: 30_000 });
    go(0);
    const { code, stdout, stderr } = await ended;
    expect(code, stderr).toBe(0);
    expect(stdout).toBe('Once upon a time\\u001b[31m\n{"done":true}\n');
    expect(stderr).toBe('-- a #1\n-- end: 5 chunks\n');
  } finally {
    await place.leave();
  }
});
