/** The trace of a run, as those outside are told it: receivers of webhooks and workers. */
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { external, type Orchestrator } from '../../src/index.js';
import { connect } from '../../src/worker/index.js';
import { openReceiver } from '../delivery/support/real-receiver.js';
import { openSite } from '../http/support/site.js';
import { action, chain, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';
import { recordSpans } from './support/spans.js';

const GIVEN = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const TRACE = { traceparent: GIVEN, tracestate: 'vendor=1' };

it('S224 the context of a trace is in the headers of webhooks, after a restart too, and of dead letters that are sent again', async () => {
  const url = temporaryDatabase();
  const receiver = await openReceiver();
  receiver.status = 500;
  const open = (maxTries: number): Promise<Orchestrator> =>
    createOrchestrator({
      url,
      handlers: { work: () => 1 },
      webhooks: { allowPrivate: ['127.0.0.1'], firstDelayMs: 1, maxDelayMs: 1, maxTries },
    });
  const first = await open(1_000);
  await first.webhooks.add({ id: 'w', url: receiver.url, types: ['run.completed', 'node.ready'] });
  const { plan: draft } = plan([{ kind: 'subplan', id: 'sub', plan: 'inner' }], [], {
    plans: { inner: { title: 'Inner', nodes: [action('deep')], edges: [] } },
  });
  // What no header can carry is left out.
  const tracestate = 'vendor=1\r\nx: y';
  await (await first.start(draft, { id: 'traced', trace: TRACE })).result();
  await (await first.start(draft, { id: 'cut', trace: { ...TRACE, tracestate } })).result();
  await (await first.start(draft, { id: 'none' })).result();
  while ((await first.webhooks.get('w')).behind < 5) await new Promise(setImmediate);
  await first.close();

  const second = await open(1);
  onTestFinished(() => second.close());
  await second.webhooks.drain();
  receiver.status = 204;
  const { deadLetters } = second.webhooks;
  for (const { message } of await deadLetters.list('w')) await deadLetters.redeliver('w', message);
  // A subplan begins in the trace of its parent.
  const wanted = {
    traced: [GIVEN, TRACE.tracestate],
    cut: [GIVEN, undefined],
    none: [undefined, undefined],
  };
  const told = new Set<string>();
  for (const { headers, body } of receiver.taken) {
    const { data } = JSON.parse(body) as {
      data: { run: string; correlation: keyof typeof wanted };
    };
    const { traceparent, tracestate: state } = headers;
    expect([data.correlation, traceparent, state]).toEqual([
      data.correlation,
      ...wanted[data.correlation],
    ]);
    told.add(data.run);
  }
  expect(told.size).toBe(6);
  // One try before the restart and one after it at least, and the one by hand.
  expect(receiver.taken.length).toBeGreaterThanOrEqual(3 * 6);
  expect(await deadLetters.list('w')).toEqual([]);
});

it('S224 the context of a trace is in what a worker claims, and its attempts have spans, also where the server starts again', async () => {
  const spans = recordSpans();
  const url = temporaryDatabase();
  const handlers = { work: external({ capability: 'work' }), own: () => 2 };
  const first = await createOrchestrator({ url, handlers });
  const { plan: draft } = plan([action('a'), action('b', { handler: 'own' })], chain('a', 'b'));
  await first.start(draft, { id: 'r', trace: TRACE });
  const claim = { worker: 'w', capabilities: ['work'], waitMs: 5_000 };
  const [claimed] = await first.work.claim(claim);
  const [start] = spans.named('start Test');
  const parent = start?.spanContext();
  expect(claimed?.trace?.traceparent).toBe(`00-${parent?.traceId}-${parent?.spanId}-01`);
  expect(parent?.traceId).toBe(GIVEN.slice(3, 35));
  await first.close();

  const second = await createOrchestrator({ url, handlers });
  onTestFinished(() => second.close());
  await second.work.complete(claimed?.token ?? '', { ok: true, output: 1 });
  await second.result('r');
  for (const name of ['attempt a', 'attempt b', 'node a', 'node b', 'run']) {
    const [span, ...more] = spans.named(name);
    expect([name, more.length, span?.spanContext().traceId]).toEqual([name, 0, parent?.traceId]);
    expect(span?.parentSpanContext?.spanId).toBe(parent?.spanId);
  }
  expect(spans.named('attempt a')[0]?.attributes).toMatchObject({
    'runchart.worker': 'w',
    'runchart.outcome': 'completed',
  });
});

it('S224 S198 a worker over HTTP hands on the trace of its run, and none where there is none', async () => {
  const site = await openSite({ work: external({ capability: 'work' }) });
  onTestFinished(() => site.close());
  const worker = connect(site.url).work({ work: (_, { trace }) => trace ?? 'none' });
  onTestFinished(() => worker.stop());
  const { plan: draft } = plan([action('a')]);
  const traced = await site.orchestrator.start(draft, { trace: TRACE });
  expect((await traced.result()).outputs.a).toEqual(TRACE);
  const bare = await site.orchestrator.start(draft);
  expect((await bare.result()).outputs.a).toBe('none');
});
