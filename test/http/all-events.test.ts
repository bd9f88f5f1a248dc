/** The events of all runs over HTTP: pages, streams that resume, tenants apart, what is gone. */
import { expect, it, onTestFinished } from 'vitest';
import { type BusEvent, type BusGap, createClient } from '../../src/client/index.js';
import type { HandlerContext } from '../../src/index.js';
import { plan } from '../../src/plan/builder.js';
import { openGuarded } from '../access/support/guarded.js';
import { bodyOf, openSite, STREAM } from './support/site.js';

interface Page {
  readonly events: readonly BusEvent[];
  readonly position: string;
  readonly gap: BusGap | null;
}

const work = plan('Work').action('only', { handler: 'work' }).build();
const other = plan('Other').action('only', { handler: 'work' }).build();

async function site() {
  const opened = await openSite({ work: () => 'done' }, { heartbeatMs: 20 });
  onTestFinished(() => opened.close());
  return opened;
}

/** Frames of a stream until it has as many as are wanted. */
async function frames(response: Response, isLast: (frame: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      found.push(block);
      if (isLast(block)) return found;
    }
  }
  return found;
}

const dataOf = (all: readonly string[]) =>
  all.flatMap((frame) => {
    const [, json] = /^data: (.*)$/m.exec(frame) ?? [];
    return json === undefined || frame.startsWith('event:') ? [] : [JSON.parse(json) as BusEvent];
  });

it('S187 a page has events of all runs behind a position, those that are wanted, and where to go on', async () => {
  const { get, orchestrator } = await site();
  const { position } = await bodyOf<Page>(get('/events'));
  for (const [id, draft] of [
    ['a', work],
    ['b', other],
  ] as const) {
    await (await orchestrator.start(draft, { id, metadata: { team: id } })).result();
  }
  const all = await bodyOf<Page>(get(`/events?after=${position}`));
  expect(new Set(all.events.map(({ run }) => run))).toEqual(new Set(['a', 'b']));
  expect(all.gap).toBeNull();
  const asked = async (query: string) => {
    const page = await bodyOf<Page>(get(`/events?after=0/0&${query}`));
    return page.events.map(({ run, type }) => `${run} ${type}`);
  };
  expect(await asked('types=run.created,*.completed')).toEqual([
    ...['a run.created', 'a node.completed', 'a run.completed'],
    ...['b run.created', 'b node.completed', 'b run.completed'],
  ]);
  expect(new Set(await asked('plan=Other&types=run.completed'))).toEqual(
    new Set(['b run.completed']),
  );
  expect(await asked('runs=a&types=run.created')).toEqual(['a run.created']);
  const team = encodeURIComponent('{"team":"b"}');
  expect(await asked(`metadata=${team}&types=run.created`)).toEqual(['b run.created']);
  const paged: string[] = [];
  for (let at = '0/0'; ; ) {
    const page = await bodyOf<Page>(get(`/events?limit=3&after=${at}`));
    if (page.events.length === 0) break;
    paged.push(...page.events.map(({ id }) => id));
    at = page.position;
  }
  expect(paged).toEqual(all.events.map(({ id }) => id));
  for (const bad of ['after=x', 'types=..', 'metadata=[]', 'limit=0', 'metadata={']) {
    expect((await get(`/events?${bad}`)).status, bad).toBe(400);
  }
});

it('S187 a stream goes on behind the last event, and says in silence how far it has come', async () => {
  const { get, orchestrator } = await site();
  const live = await get('/events?types=run.completed', STREAM);
  await (await orchestrator.start(work, { id: 'a' })).result();
  const heard = await frames(live, (frame) => frame.includes('run.completed'));
  expect(dataOf(heard).map(({ run }) => run)).toEqual(['a']);
  const [, id = ''] = /^id: (.*)$/m.exec(heard.at(-1) ?? '') ?? [];
  expect(dataOf(heard).at(-1)?.position).toBe(id);
  await (await orchestrator.start(other, { id: 'b' })).result();
  // Nothing of it is wanted, but the client learns that it need not look at it again.
  const silent = await get('/events?types=run.failed', { ...STREAM, 'last-event-id': id });
  const newest = (await orchestrator.bus.page({ after: '0/0' })).events.at(-1);
  const passed = await frames(silent, (frame) => {
    const [, at = '0'] = /^id: (\d+)/m.exec(frame) ?? [];
    return Number(at) >= Number(newest?.turn);
  });
  expect(dataOf(passed)).toEqual([]);
  expect(passed.some((frame) => frame.startsWith(':'))).toBe(true);
  const resumed = await get('/events', { ...STREAM, 'last-event-id': id });
  const rest = dataOf(await frames(resumed, (frame) => frame.includes('"run.completed"')));
  expect(new Set(rest.map(({ run }) => run))).toEqual(new Set(['b']));
  expect((await get('/events', { ...STREAM, 'last-event-id': 'x' })).status).toBe(400);
});

it('S187 a client whose connections are cut gets each event once, those of a run in order', async () => {
  const { url, orchestrator } = await site();
  let connections = 0;
  const cutting = async (target: URL | Request | string, init?: RequestInit) => {
    const response = await fetch(target, init);
    connections += 1;
    if (connections > 12 || response.body === null) return response;
    let left = 150 * connections;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        controller.enqueue(bytes.slice(0, Math.max(0, left)));
        left -= bytes.length;
        if (left <= 0) controller.terminate();
      },
    });
    return new Response(response.body.pipeThrough(cut), response);
  };
  const client = createClient({ url, fetch: cutting as typeof fetch });
  const runs = ['a', 'b', 'c', 'd'];
  for (const id of runs) await (await orchestrator.start(work, { id })).result();
  const stop = new AbortController();
  const found: BusEvent[] = [];
  for await (const event of client.allEvents({}, { after: '0/0', signal: stop.signal })) {
    found.push(event);
    if (event.run === 'd' && event.type === 'run.completed') break;
  }
  const logged = (await orchestrator.bus.page({ after: '0/0', limit: 1_000 })).events;
  expect(found).toEqual(logged);
  expect(connections).toBeGreaterThan(5);
});

it('S173 S187 a stream tells of what retention has removed before the client came to it', async () => {
  const { url, orchestrator } = await site();
  await (await orchestrator.start(work, { id: 'a' })).result();
  await orchestrator.trim({ olderThanMs: 0 });
  await (await orchestrator.start(work, { id: 'b' })).result();
  const gaps: BusGap[] = [];
  const client = createClient({ url });
  const events = client.allEvents({}, { after: '0/0', onGap: (gap) => void gaps.push(gap) });
  const { value } = await events.next();
  expect(value).toMatchObject({ run: 'b', seq: 1 });
  expect(gaps).toMatchObject([{ from: '0/0' }]);
  await events.return();
});

it('S187 whoever comes with a token sees events of its tenant alone, without secrets', async () => {
  const secret = {
    ...plan('Secret').action('only', { handler: 'work' }).build(),
    inputs: { type: 'object', properties: { key: { type: 'string', writeOnly: true } } },
  };
  const guarded = await openGuarded({
    work: ({ key }: { key: string }, { progress }: HandlerContext) => progress(`used ${key}`),
  });
  onTestFinished(() => guarded.close());
  for (const tenant of ['acme', 'other', '']) {
    const run = await guarded.orchestrator
      .forTenant(tenant)
      .start(secret, { id: 'r', input: { key: `hunter2-${tenant}` } });
    await run.result();
  }
  for (const tenant of ['acme', 'other', '']) {
    const token = await guarded.token(tenant, ['reader']);
    const full = tenant === '' ? 'r' : `${tenant}~r`;
    for (const query of ['', '&runs=r', `&runs=${full}`]) {
      const answer = await guarded.ask('GET', `/events?after=0/0${query}`, { token });
      const text = await answer.text();
      const { events } = JSON.parse(text) as Page;
      expect(new Set(events.map(({ run }) => run))).toEqual(new Set([full]));
      expect(text).toContain('used [secret]');
      expect(text).not.toContain('hunter2');
    }
    const foreign = await guarded.ask('GET', '/events?after=0/0&runs=third~r', { token });
    expect(((await foreign.json()) as Page).events).toEqual([]);
    const stream = await guarded.ask('GET', '/events?after=0/0', { token, headers: STREAM });
    const heard = await frames(stream, (frame) => frame.includes('"run.completed"'));
    expect(new Set(dataOf(heard).map(({ run }) => run))).toEqual(new Set([full]));
  }
  const worker = await guarded.token('acme', ['worker']);
  expect((await guarded.ask('GET', '/events', { token: worker })).status).toBe(403);
});
