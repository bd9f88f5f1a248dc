/** What readers of the log of all runs are told of events that retention removed before they came to them. */
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { BusEvent, BusGap } from '../../src/index.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { plan } from '../../src/plan/builder.js';
import { testKit } from '../../src/testing/test-kit.js';
import { temporaryDatabase } from '../support/temporary.js';

const work = plan('Work').action('only', { handler: 'work' }).build();
const handlers = { work: () => 'done' };

async function open(): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

const run = async (orchestrator: Orchestrator, id: string) =>
  (await orchestrator.start(work, { id })).result();

/** All that is there behind a position, in pages. */
async function readAll(orchestrator: Pick<Orchestrator, 'bus'>, after: string, limit = 1_000) {
  const events: BusEvent[] = [];
  const gaps: BusGap[] = [];
  for (let at = after; ; ) {
    const page = await orchestrator.bus.page({ after: at, limit });
    events.push(...page.events);
    if (page.gap !== null) gaps.push(page.gap);
    if (page.position === at || page.events.length === 0) return { events, gaps, at };
    at = page.position;
  }
}

describe('a reader of the log of all runs, on files', () => {
  it('S173 S184 is told of what was removed before it was read, and of nothing else', async () => {
    const orchestrator = await open();
    await run(orchestrator, 'a');
    const known = await readAll(orchestrator, '0/0');
    const last = known.events.at(-1)?.position ?? '';
    expect(known.gaps).toEqual([]);
    await run(orchestrator, 'b');
    const end = (await readAll(orchestrator, last)).events.at(-1)?.position;
    await orchestrator.trim({ olderThanMs: 0 });
    await run(orchestrator, 'c');
    const fromLast = await readAll(orchestrator, last);
    expect(new Set(fromLast.events.map((event) => event.run))).toEqual(new Set(['c']));
    expect(fromLast.gaps).toEqual([{ from: last, to: end }]);
    // Who has read to the end has missed nothing.
    expect((await readAll(orchestrator, end ?? '')).gaps).toEqual([]);
    expect((await readAll(orchestrator, '0/0')).gaps).toEqual([{ from: '0/0', to: end }]);
  });

  it('S173 S184 hears of the old part of the log of a run that stays, after a restart too', async () => {
    const url = temporaryDatabase();
    const first = await createOrchestrator({ url, handlers });
    await run(first, 'a');
    const { trimmedRuns } = await first.trim({ historyOlderThanMs: 0 });
    expect(trimmedRuns).toBe(1);
    await first.close();
    const second = await createOrchestrator({ url, handlers });
    onTestFinished(() => second.close());
    const { events, gaps } = await readAll(second, '0/0');
    expect(gaps).toMatchObject([{ from: '0/0' }]);
    const [oldest] = events;
    expect(gaps[0]?.to).toBe(`${Number(oldest?.turn) - 1}/${Number(oldest?.seq) - 1}`);
  });

  it('S184 a listener that comes back late hears of it before what follows', async () => {
    const orchestrator = await open();
    const told: string[] = [];
    let goOn = () => {};
    const isHeld = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    orchestrator.bus.subscribe(
      'run.created',
      async ({ run: id }) => {
        told.push(id);
        if (id === 'a') await isHeld;
      },
      { onGap: () => told.push('gap') },
    );
    await run(orchestrator, 'a');
    while (told.length === 0) await new Promise(setImmediate);
    for (let number = 0; number < 3; number += 1) await run(orchestrator, `b${number}`);
    await orchestrator.trim({ olderThanMs: 0 });
    await run(orchestrator, 'c');
    goOn();
    await orchestrator.bus.drain();
    // What it had read before may come first.
    const gap = told.indexOf('gap');
    expect(gap).toBeGreaterThan(0);
    expect(told.slice(gap + 1)).toEqual(['c']);
  });
});

type Step =
  | { readonly does: 'run'; readonly tenant: string }
  | { readonly does: 'trim'; readonly whole: boolean }
  | { readonly does: 'read'; readonly limit: number };

it('S173 S184 each event of a tenant is read once or lies in a gap, and no gap is told where nothing is gone', async () => {
  const steps = fc.array(
    fc.oneof<fc.Arbitrary<Step>[]>(
      fc.record({ does: fc.constant('run' as const), tenant: fc.constantFrom('', 'acme') }),
      fc.record({ does: fc.constant('trim' as const), whole: fc.boolean() }),
      fc.record({ does: fc.constant('read' as const), limit: fc.constantFrom(1, 3, 100) }),
    ),
    { minLength: 1, maxLength: 12 },
  );
  let told = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(undefined, '', 'acme'), async (all, tenant) => {
      const kit = await testKit({ handlers });
      const { orchestrator } = kit;
      const bus = tenant === undefined ? orchestrator.bus : orchestrator.forTenant(tenant).bus;
      const isOurs = (id: string) => tenant === undefined || (tenant === '') === !id.includes('~');
      const recorded = new Map<string, BusEvent>();
      orchestrator.bus.subscribe('*', (event) => {
        if (isOurs(event.run)) recorded.set(event.id, event);
      });
      const read = new Set<string>();
      const gaps: BusGap[] = [];
      // A tenant is told sealed places: whoever owns the installation reads the same with the places open.
      let sealed = '0/0';
      let at = '0/0';
      const readOn = async (limit: number) => {
        const page = await bus.page({ after: sealed, limit });
        const open = await orchestrator.bus.page({
          ...{ after: at, limit },
          ...(tenant !== undefined && { tenant }),
        });
        expect(page.events.map(({ id }) => id)).toEqual(open.events.map(({ id }) => id));
        expect(page.gap === null).toBe(open.gap === null);
        for (const { id } of page.events) {
          expect(read.has(id)).toBe(false);
          read.add(id);
        }
        if (open.gap !== null) gaps.push(open.gap);
        sealed = page.position;
        at = open.position;
      };
      let number = 0;
      for (const step of all) {
        number += 1;
        if (step.does === 'read') await readOn(step.limit);
        else if (step.does === 'run') {
          const id = step.tenant === '' ? `r${number}` : `${step.tenant}~r${number}`;
          await kit.run(work, { id });
          await kit.drain();
        } else {
          await orchestrator.trim(step.whole ? { olderThanMs: 0 } : { historyOlderThanMs: 0 });
        }
      }
      for (let before = ''; before !== at; ) {
        before = at;
        await readOn(1_000);
      }
      const missed = [...recorded.values()].filter(({ id }) => !read.has(id));
      expect([...read].every((id) => recorded.has(id))).toBe(true);
      for (const event of missed) {
        expect(gaps.some(({ from, to }) => isWithin(event.position, from, to))).toBe(true);
      }
      told += gaps.length;
      for (const { from, to } of gaps) {
        expect(missed.some(({ position }) => isWithin(position, from, to))).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
  expect(told).toBeGreaterThan(10);
});

function isWithin(position: string, from: string, to: string): boolean {
  return isLater(position, from) && !isLater(position, to);
}

function isLater(a: string, b: string): boolean {
  const [turn = 0, seq = 0] = a.split('/').map(Number);
  const [otherTurn = 0, otherSeq = 0] = b.split('/').map(Number);
  return turn > otherTurn || (turn === otherTurn && seq > otherSeq);
}
