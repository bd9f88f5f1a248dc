/** The bus: events of all runs for subscribers in this process. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { BusEvent } from '../../src/delivery/event-bus.js';
import { EventMatcher } from '../../src/delivery/event-filter.js';
import { plan } from '../../src/plan/builder.js';
import { testKit } from '../../src/testing/test-kit.js';
import { temporaryDatabase } from '../support/temporary.js';
import { logged } from './support/logged.js';

const work = plan('Work').action('one', { handler: 'work' }).action('two', { handler: 'work' });
const chain = work.edge('one', 'two').build();
const other = plan('Other').action('only', { handler: 'work' }).build();
const handlers = { work: () => 'done' };

/** Asserts that the numbers of each run come one after the other. */
function expectInOrder(events: readonly BusEvent[]): void {
  const last = new Map<string, number>();
  for (const { run, seq } of events) {
    expect([run, seq]).toEqual([run, (last.get(run) ?? 0) + 1]);
    last.set(run, seq);
  }
}

async function take(
  events: AsyncIterable<BusEvent>,
  isLast: (event: BusEvent) => boolean,
): Promise<BusEvent[]> {
  const taken: BusEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (isLast(event)) return taken;
  }
  return taken;
}

describe('a subscriber', () => {
  it('S184 S185 gets the events of each run in order, and drain waits for the last', async () => {
    const kit = await testKit({ handlers });
    const all: BusEvent[] = [];
    const ended: string[] = [];
    kit.orchestrator.bus.subscribe('*', (event) => all.push(event));
    kit.orchestrator.bus.subscribe('run.*', async ({ type, run }) => {
      await Promise.resolve();
      if (type === 'run.completed') ended.push(run);
    });
    const runs = [await kit.run(chain), await kit.run(other), await kit.run(chain)];
    await kit.drain();
    expectInOrder(all);
    const logged = runs.flatMap((run) => [...run.log].map(({ id }) => id));
    expect(all.map(({ id }) => id).sort()).toEqual(logged.sort());
    expect(ended).toEqual(runs.map(({ id }) => id));
  });

  it('S186 gets with each event id, number, run, node, attempt, time, detail with from and to, and its turn', async () => {
    const kit = await testKit({ handlers });
    const all: BusEvent[] = [];
    kit.orchestrator.bus.subscribe('*', (event) => all.push(event));
    const run = await kit.run(other, { id: 'r' });
    await kit.drain();
    expect(new Set(all.map(({ id }) => id)).size).toBe(run.log.length);
    const started = all.find(({ type }) => type === 'node.started');
    expect(started).toMatchObject({
      id: `r/${started?.seq}`,
      run: 'r',
      node: 'only',
      attempt: 1,
      at: expect.any(Number),
      detail: { from: 'ready', to: 'running' },
      position: `${started?.turn}/${started?.seq}`,
    });
    // What one message caused has one turn; the result is another message.
    const turnOf = (type: string) => all.find((event) => event.type === type)?.turn;
    expect(turnOf('run.created')).toBe(started?.turn);
    expect(turnOf('run.completed')).toBe(turnOf('node.completed'));
    expect(turnOf('node.completed')).toBeGreaterThan(started?.turn ?? 0);
  });

  it('S184 S185 that takes its time gets one event at a time, and drain waits until it has taken the last', async () => {
    const kit = await testKit({ handlers });
    const begun: string[] = [];
    const taken: string[] = [];
    kit.orchestrator.bus.subscribe('*', async ({ id }) => {
      expect(taken).toEqual(begun);
      begun.push(id);
      for (let round = 0; round < 5; round += 1) await new Promise(setImmediate);
      taken.push(id);
    });
    const run = await kit.run(chain);
    await kit.orchestrator.bus.drain();
    expect(taken).toEqual([...run.log].map(({ id }) => id));
    expect(kit.complaints).toEqual([]);
  });

  it('S184 that throws, or takes for ever, harms neither the runs nor another', async () => {
    const kit = await testKit({ handlers });
    const { bus } = kit.orchestrator;
    const calm: BusEvent[] = [];
    let hangs = 0;
    bus.subscribe('*', () => {
      throw new Error('I am broken');
    });
    bus.subscribe('run.completed', () => {
      hangs += 1;
      return new Promise(() => {});
    });
    bus.subscribe('*', (event) => calm.push(event));
    const runs = [await kit.run(chain), await kit.run(other)];
    expect(runs.map(({ status }) => status)).toEqual(['completed', 'completed']);
    await kit.drain();
    expectInOrder(calm);
    expect(calm.length).toBe(runs.reduce((sum, { log }) => sum + log.length, 0));
    expect(hangs).toBe(2);
    expect(kit.complaints).toContain('a subscriber failed: I am broken');
    expect(kit.complaints).toContain('a subscriber takes too long and gets the next event');
  });

  it('S184 that ends gets nothing more', async () => {
    const kit = await testKit({ handlers });
    const seen: string[] = [];
    const end = kit.orchestrator.bus.subscribe('*', ({ type }) => {
      seen.push(type);
      end();
    });
    await kit.run(chain);
    await kit.drain();
    expect(seen).toEqual(['run.created']);
  });

  it('S184 names what is no pattern', async () => {
    const { bus } = (await testKit({ handlers })).orchestrator;
    const shapes = ['', 'Node.failed', 'node.', '.x', 'no*de', 'a b', 'node.*x', 'x'.repeat(2_000)];
    for (const shape of shapes) {
      expect(() => bus.subscribe(shape, () => {})).toThrow(/types has/);
    }
    expect(() => bus.subscribe({ types: [] }, () => {})).toThrow(/types has/);
    expect(() => bus.events({ after: '1' })).toThrow(/position/);
    expect(() => bus.events({ pageSize: 0 })).toThrow(/pageSize/);
  });

  it('S184 matches types as a walk over their parts does', async () => {
    const part = fc.constantFrom('node', 'run', 'failed', 'completed');
    const pattern = fc.array(fc.oneof(part, fc.constant('*')), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        pattern,
        fc.array(part, { minLength: 1, maxLength: 3 }),
        async (wanted, type) => {
          const log = { planTitle: async () => undefined };
          const matcher = new EventMatcher({ types: [wanted.join('.')] }, log);
          const isWanted =
            wanted.join('.') === '*' ||
            (wanted.length === type.length &&
              wanted.every((one, i) => one === '*' || one === type[i]));
          expect(await matcher.matches(logged(1, 1, type.join('.')))).toBe(isWanted);
        },
      ),
    );
  });
});

describe('the events of all runs', () => {
  it('S187 begin after a position, go on live, and come from the disk in pages of any size', async () => {
    const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers });
    const { bus } = orchestrator;
    const early = await Promise.all([1, 2, 3].map(() => orchestrator.start(chain)));
    await Promise.all(early.map((run) => run.result()));
    const isEndOf = (run: string) => (event: BusEvent) =>
      event.run === run && event.type === 'run.completed';
    const live = bus.events({ after: '0/0', pageSize: 3 });
    const late = await orchestrator.start(chain, { id: 'late' });
    const all = await take(live, isEndOf('late'));
    await late.result();
    expectInOrder(all);
    expect(new Set(all.map(({ run }) => run)).size).toBe(4);
    for (const pageSize of [1, 7, 1_000]) {
      const middle = all[20]?.position ?? '';
      const rest = await take(bus.events({ after: middle, pageSize }), isEndOf('late'));
      expect(rest).toEqual(all.slice(21));
    }
    const turns = all.map(({ turn }) => turn);
    expect(turns).toEqual([...turns].sort((a, b) => a - b));
    await orchestrator.close();
  });

  it('S187 leave nothing out behind a position that was told while turns were void, after a restart', async () => {
    const kit = await testKit({ handlers });
    await kit.run(chain);
    const before = kit.orchestrator.bus.position;
    kit.faults.failCommit({ times: 20, code: 'turn-refused' });
    for (let count = 0; count < 20; count += 1) await kit.start(chain).catch(() => {});
    const { position: after } = kit.orchestrator.bus;
    expect(after).toBe(before);
    await kit.restart();
    const run = await kit.run(chain);
    const { events } = await kit.ask(({ bus }) => bus.page({ after }));
    expect(events.map(({ id }) => id)).toEqual((await kit.runs.events(run.id)).map(({ id }) => id));
  });

  it('S187 are filtered by type, run, plan and metadata, and end with their signal', async () => {
    const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers });
    const { bus } = orchestrator;
    const start = bus.position;
    await (await orchestrator.start(chain, { id: 'a', metadata: { team: 'x', n: 1 } })).result();
    await (await orchestrator.start(other, { id: 'b', metadata: { team: 'y' } })).result();
    const { plan: hash } = await orchestrator.runs.summary('b');
    const types = ['run.completed'];
    const of = async (filter: object) => {
      const stop = new AbortController();
      const found: string[] = [];
      const events = bus.events({ types, after: start, signal: stop.signal, ...filter });
      const reading = (async () => {
        for await (const { run } of events) found.push(run);
      })();
      const unsubscribe = bus.subscribe('*', () => {});
      await bus.drain();
      unsubscribe();
      while (found.length < 1) await new Promise(setImmediate);
      stop.abort();
      await reading;
      return found;
    };
    expect(await of({ runs: ['a'] })).toEqual(['a']);
    expect(await of({ plan: 'Other' })).toEqual(['b']);
    expect(await of({ plan: hash })).toEqual(['b']);
    expect(await of({ metadata: { team: 'x' } })).toEqual(['a']);
    await orchestrator.close();
    expect(() => bus.subscribe('*', () => {})).toThrow(/closing/);
  });

  it('S184 a reader that stops reading holds up nobody, and goes on from the disk', async () => {
    const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers });
    await orchestrator.start(other, { id: 'first' });
    const slow = orchestrator.bus.events({ after: '0/0', pageSize: 2 });
    const first = await slow.next();
    for (let run = 0; run < 5; run += 1) await (await orchestrator.start(chain)).result();
    await orchestrator.start(other, { id: 'last' });
    await orchestrator.result('last');
    const rest = await take(slow, ({ run, type }) => run === 'last' && type === 'run.completed');
    expectInOrder([first.value, ...rest]);
    await orchestrator.close();
  });
});
