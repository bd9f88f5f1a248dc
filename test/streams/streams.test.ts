/** What handlers stream, on real files. */
import { expect, it, onTestFinished } from 'vitest';
import type { StreamItem } from '../../src/actors/streams/attempt-stream.js';
import type { HandlerContext, Handlers } from '../../src/index.js';
import { createOrchestrator, type Orchestrator, versions } from '../../src/index.js';
import { isolate } from '../isolation/support/isolating.js';
import { action, edge, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

async function opened(handlers: Handlers): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

/** A handler that streams when the test says so. */
function gated(stream: (context: HandlerContext) => unknown) {
  let begin = () => {};
  const isOpen = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const work = async (_: unknown, context: HandlerContext) => {
    await isOpen;
    return stream(context);
  };
  return { work, begin };
}

async function all(items: AsyncIterable<StreamItem>): Promise<StreamItem[]> {
  const found: StreamItem[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Items without what names their attempt. */
const brief = (items: readonly StreamItem[]) =>
  items.map(({ node, generation, attempt, ...rest }) => rest);

const markers = async (orchestrator: Orchestrator, run: string) =>
  (await orchestrator.runs.events(run)).filter(({ type }) => type === 'attempt.streamed');

const one = plan([action('a')]).plan;

it('S236 a watcher is shown what a handler streams, in order, and the log gets one marker with the result', async () => {
  const { work, begin } = gated(({ stream }) => {
    for (const word of ['Once', ' upon', ' a time']) stream(word);
    stream({ done: 3 });
    return 'told';
  });
  const orchestrator = await opened({ work });
  const run = await orchestrator.start(one, { id: 'r1' });
  const watching = all(run.stream());
  begin();
  const items = await watching;
  const [marker, ...others] = await markers(orchestrator, 'r1');
  expect(items.slice(0, 4)).toEqual(
    ['Once', ' upon', ' a time', { done: 3 }].map((value, place) => ({
      ...{ type: 'chunk', node: 'a', generation: 1, attempt: 1, number: place + 1, value },
    })),
  );
  const counts = { chunks: 4, characters: 26, dropped: 0 };
  expect(brief(items.slice(4))).toEqual([{ type: 'end', ...counts, seq: marker?.seq }]);
  expect(others).toEqual([]);
  expect(marker).toMatchObject({ node: 'a', attempt: 1, detail: counts });
  const events = await orchestrator.runs.events('r1');
  const completed = events.find(({ type }) => type === 'node.completed');
  const checkpoints = await orchestrator.runs.checkpoints('r1');
  const turnOf = (seq = 0) => checkpoints.find((checkpoint) => checkpoint.seq >= seq)?.seq;
  expect(turnOf(marker?.seq)).toBe(turnOf(completed?.seq));
  expect(JSON.stringify(events)).not.toContain('upon');
});

it('S236 an attempt that streams nothing has no marker', async () => {
  const orchestrator = await opened({ work: () => 1 });
  const run = await orchestrator.start(one, { id: 'r1' });
  expect(await all(run.stream())).toEqual([]);
  expect(await markers(orchestrator, 'r1')).toEqual([]);
});

it('S236 each try of a node is a stream of its own, and has a marker of its own', async () => {
  const { work, begin } = gated(({ stream, attempt }) => {
    stream(`try ${attempt}`);
    if (attempt === 1) throw new Error('once more');
  });
  const orchestrator = await opened({ work });
  const draft = plan([action('a', { retry: { maxAttempts: 2 } })]).plan;
  const run = await orchestrator.start(draft, { id: 'r1' });
  const watching = all(run.stream());
  begin();
  const items = await watching;
  expect(items.map(({ type, attempt }) => [type, attempt])).toEqual([
    ...[['chunk', 1], ['end', 1]], // biome-ignore format: pairs
    ...[['chunk', 2], ['end', 2]], // biome-ignore format: pairs
  ]);
  expect((await markers(orchestrator, 'r1')).map(({ attempt }) => attempt)).toEqual([1, 2]);
});

it('S236 who comes late is shown the newest chunks, told how many he missed, and then all that follows', async () => {
  let goOn = () => {};
  let reached = () => {};
  const streamed = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const { work, begin } = gated(async ({ stream }) => {
    for (let number = 1; number <= 1_000; number += 1) stream(String(number));
    const paused = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    reached();
    await paused;
    stream('last');
  });
  const orchestrator = await opened({ work });
  const run = await orchestrator.start(one, { id: 'r1' });
  begin();
  await streamed;
  const kept = await orchestrator.streamed('r1');
  const watching = run.stream();
  const items: StreamItem[] = [];
  while (items.length < 257) items.push((await watching.next()).value);
  goOn();
  items.push(...(await all(watching)));
  expect(items[0]).toMatchObject({ type: 'gap', chunks: 744 });
  expect(kept).toEqual(items.slice(0, 257));
  const chunks = items.flatMap((item) => (item.type === 'chunk' ? [item] : []));
  expect(chunks.at(0)).toMatchObject({ number: 745, value: '745' });
  expect(chunks.at(-1)).toMatchObject({ number: 1_001, value: 'last' });
  expect(chunks).toHaveLength(257);
  const [marker] = await markers(orchestrator, 'r1');
  expect(marker?.detail).toMatchObject({ chunks: 1_001, dropped: 0 });
});

it('S236 a watcher that takes nothing holds up no handler, and is told what it missed', async () => {
  const { work, begin } = gated(({ stream }) => {
    for (let number = 1; number <= 10_000; number += 1) stream('x'.repeat(100));
    return 'done';
  });
  const orchestrator = await opened({ work });
  const run = await orchestrator.start(one, { id: 'r1' });
  const watching = run.stream();
  const first = watching.next();
  begin();
  expect((await run.result()).outputs.a).toBe('done');
  const items = [(await first).value as StreamItem, ...(await all(watching))];
  const told = items.reduce((sum, item) => {
    if (item.type === 'chunk') return sum + 1;
    return item.type === 'gap' ? sum + item.chunks : sum;
  }, 0);
  expect(told).toBe(10_000);
  const [marker] = await markers(orchestrator, 'r1');
  expect(marker?.detail.chunks).toBe(10_000);
  expect(marker?.detail.dropped).toBeGreaterThan(9_000);
  expect(items.at(-1)).toMatchObject({ type: 'end', dropped: marker?.detail.dropped });
});

it('S236 what is no chunk is refused to the handler: no JSON, or too much of it', async () => {
  const refused: unknown[] = [];
  const orchestrator = await opened({
    work: (_: unknown, { stream }: HandlerContext) => {
      for (const value of [undefined, 1n, () => 1, 'x'.repeat(65_537), ['x'.repeat(65_536)]]) {
        try {
          stream(value as string);
        } catch (error) {
          const { name, code } = error as { name: string; code?: string };
          refused.push(code ?? name);
        }
      }
    },
  });
  const run = await orchestrator.start(one, { id: 'r1' });
  expect((await run.result()).status).toBe('completed');
  const [notJson, tooLarge] = ['TypeError', 'chunk-too-large'];
  expect(refused).toEqual([notJson, notJson, notJson, tooLarge, tooLarge]);
});

it('S236 nothing that comes after the end of a handler, or after its abort, is heard', async () => {
  const contexts: HandlerContext[] = [];
  const orchestrator = await opened({
    work: async (_: unknown, context: HandlerContext) => {
      contexts.push(context);
      context.stream('heard');
      if (contexts.length === 2) {
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      }
    },
  });
  const first = await orchestrator.start(one, { id: 'r1' });
  await first.result();
  contexts[0]?.stream('late');
  const second = await orchestrator.start(one, { id: 'r2' });
  const watching = all(second.stream());
  while ((await orchestrator.streamed('r2')).length === 0);
  await orchestrator.cancel('r2');
  contexts[1]?.stream('late');
  expect((await watching).map(({ type }) => type)).toEqual(['chunk', 'end']);
  for (const run of ['r1', 'r2']) {
    expect(await markers(orchestrator, run)).toMatchObject([{ detail: { chunks: 1 } }]);
    expect(await orchestrator.streamed(run)).toEqual([]);
  }
});

it('S236 a secret is masked in what is streamed, also where it is cut into pieces', async () => {
  const { work, begin } = gated(({ stream }) => {
    for (const piece of ['the key is hun', 'ter', '2, and no', ' hunt; ', { key: 'hunter2' }, 'hu'])
      stream(piece);
  });
  const orchestrator = await opened({ work });
  const draft = plan([action('a', { handler: 'work' })]).plan;
  const secret = {
    ...draft,
    inputs: {
      type: 'object',
      properties: { key: { type: 'string', writeOnly: true } },
    },
  };
  const run = await orchestrator.start(secret, { id: 'r1', input: { key: 'hunter2' } });
  const watching = all(run.stream());
  begin();
  const values = (await watching).flatMap((item) => (item.type === 'chunk' ? [item.value] : []));
  const texts = values.filter((value) => typeof value === 'string');
  expect(texts.join('')).toBe('the key is [secret], and no hunt; hu');
  expect(values).toContainEqual({ key: '[secret]' });
  expect(JSON.stringify(values)).not.toContain('hunter2');
});

it('S236 nodes at work side by side are told apart, and one can be watched alone', async () => {
  const gate = gated(({ stream, node }) => {
    for (let number = 1; number <= 5; number += 1) stream(`${node}${number}`);
  });
  const orchestrator = await opened({ work: gate.work });
  const draft = plan([action('a'), action('b'), action('c')], [edge('a', 'c')]).plan;
  const run = await orchestrator.start(draft, { id: 'r1' });
  const both = all(run.stream());
  const b = all(run.stream({ node: 'b' }));
  gate.begin();
  for (const node of ['a', 'b', 'c']) {
    const texts = (await both).flatMap((item) =>
      item.type === 'chunk' && item.node === node ? [item.value] : [],
    );
    expect(texts).toEqual([1, 2, 3, 4, 5].map((number) => `${node}${number}`));
  }
  expect(new Set((await b).map(({ node }) => node))).toEqual(new Set(['b']));
});

it('S236 the handler of a check streams into the attempt that it judges', async () => {
  const gate = gated(({ stream }) => {
    stream('work');
  });
  const orchestrator = await opened({
    work: gate.work,
    judge: (_: unknown, { stream }: HandlerContext) => {
      stream('fine');
      return true;
    },
  });
  const checks = [{ name: 'good', handler: 'judge' }];
  const draft = plan([action('a', { checks })]).plan;
  const run = await orchestrator.start(draft, { id: 'r1' });
  const watching = all(run.stream());
  gate.begin();
  expect(brief(await watching)).toMatchObject([
    { type: 'chunk', number: 1, value: 'work' },
    { type: 'chunk', number: 2, check: 'good', value: 'fine' },
    { type: 'end', chunks: 2 },
  ]);
});

it.each(['thread', 'process'] as const)(
  'S236 S240 a handler in a %s streams too',
  async (place) => {
    const orchestrator = await opened({ work: isolate({ in: place, export: 'streaming' }) });
    const run = await orchestrator.start(one, { id: 'r1', input: { words: ['a', 'b', 'c'] } });
    const values = (await all(run.stream())).flatMap((item) =>
      item.type === 'chunk' ? [item.value] : [],
    );
    expect(values).toEqual(['a', 'b', 'c']);
    expect((await run.result()).outputs.a).toBe('chunk-too-large');
  },
);

it('S236 a run of versions of handlers streams, and watching a run that is not there is refused', async () => {
  const orchestrator = await opened({
    work: versions({
      1: (_: unknown, { stream }: HandlerContext) => stream('v1'),
    }),
  });
  await expect(all(orchestrator.stream('nobody'))).rejects.toMatchObject({ code: 'run-unknown' });
  const run = await orchestrator.start(plan([action('a', { handler: 'work@1' })]).plan, {
    id: 'r1',
  });
  await run.result();
  expect(await markers(orchestrator, 'r1')).toMatchObject([{ detail: { chunks: 1 } }]);
});
