import { join } from 'node:path';
import type { StatelyInspectionEvent } from '@statelyai/inspect';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { InspectOptions } from '../../src/inspect/inspection.js';
import { Inspection } from '../../src/inspect/inspection.js';
import { type InspectionEvent, OVERFLOW } from '../../src/inspect/inspection-event.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { JsonObject } from '../../src/plan/json.js';
import { testKit } from '../../src/testing/test-kit.js';
import {
  exported,
  fileWith,
  openOrchestrator,
  playVaried,
  startVaried,
} from '../history/support/played-runs.js';
import { temporaryDirectory } from '../support/temporary.js';
import { type Growth, growingRows } from './support/growing-rows.js';
import { fan } from './support/large.js';

async function open(): Promise<Orchestrator> {
  return openOrchestrator(join(temporaryDirectory(), 'runs.db'));
}

async function collect(events: AsyncIterable<InspectionEvent>): Promise<InspectionEvent[]> {
  const all: InspectionEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** Numbers of the events of the log that were told. */
function numbersIn(events: readonly InspectionEvent[]): number[] {
  return events.flatMap((one) => (one.type === '@xstate.event' ? [Number(one.event.seq)] : []));
}

/** How each actor stands after what was told, by session. */
function standingAfter(events: readonly InspectionEvent[]): Map<string, unknown> {
  const snapshots = events.flatMap((one) =>
    one.type === '@xstate.event' ? [] : [[one.sessionId, one.snapshot] as const],
  );
  return new Map(snapshots);
}

/** How each actor stands as the rows have it, by session. */
async function stored({ runs }: Orchestrator, id: string): Promise<Map<string, unknown>> {
  const record = await runs.rows.getRun(id);
  const number = record?.run ?? 0;
  const versions = await runs.rows.versionsAt(number, await runs.rows.newestSeq(number));
  return new Map(
    versions.map(({ actor, snapshotJson }) => {
      const { status, value, context } = JSON.parse(snapshotJson);
      return [actor === '' ? id : `${id}/${actor}`, { status, value, context }];
    }),
  );
}

async function turnsOf({ runs }: Orchestrator, id: string): Promise<number[]> {
  const number = (await runs.rows.getRun(id))?.run ?? 0;
  const ends: number[] = [];
  for await (const { seq } of runs.rows.rowsOf(number, 'checkpoints')) ends.push(seq);
  return ends;
}

/** What a reader of an ended run is told that attached in the middle of it. */
async function attachedTo(
  orchestrator: Orchestrator,
  id: string,
  growth: Growth,
  options: InspectOptions = {},
) {
  const parts = growingRows(orchestrator.runs.rows, await turnsOf(orchestrator, id), growth);
  const events = await collect(new Inspection(parts, id, { actors: 'all', ...options }));
  return { events, attachedAt: parts.attachedAt };
}

/** A run with retries, a loop, a map, a subplan, a signal, a person, and a node that began again. */
async function playRestarted(orchestrator: Orchestrator, id: string): Promise<void> {
  await startVaried(orchestrator, id);
  await orchestrator.change.rollback(id, 'again', { by: 'ops' });
  await orchestrator.settled(id);
  const { tasks } = await orchestrator.runs.details(id);
  await orchestrator.respond(tasks[0]?.id ?? '', { response: { approved: true } });
  await orchestrator.result(id);
}

describe('inspecting a run', () => {
  it('S211 the events are those of the inspector protocol', () => {
    expectTypeOf<InspectionEvent['type']>().toEqualTypeOf<StatelyInspectionEvent['type']>();
    type Common = Exclude<keyof StatelyInspectionEvent, 'rootId'>;
    expectTypeOf<Pick<InspectionEvent, Common>>().toExtend<Pick<StatelyInspectionEvent, Common>>();
  });

  it('S211 whoever attaches late is told of every actor as it stands, then of every later event, none lost, in order', async () => {
    const orchestrator = await open();
    await playRestarted(orchestrator, 'r1');
    const end = await stored(orchestrator, 'r1');
    const turns = (await turnsOf(orchestrator, 'r1')).length;
    const growth = fc.record({
      first: fc.integer({ min: 1, max: turns }),
      steps: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(growth, async (how) => {
        const { events, attachedAt } = await attachedTo(orchestrator, 'r1', how);
        const last = (await turnsOf(orchestrator, 'r1')).at(-1) ?? 0;
        const later = Array.from({ length: last - attachedAt }, (_, i) => attachedAt + 1 + i);
        expect(numbersIn(events)).toEqual(later);
        expect(standingAfter(events)).toEqual(end);
      }),
      { numRuns: 40 },
    );
  });

  it('S211 nothing is told of an actor before the actor is, and the definition of a machine is told once', async () => {
    const orchestrator = await open();
    await playRestarted(orchestrator, 'r1');
    const { events } = await attachedTo(orchestrator, 'r1', { first: 1, steps: [3] });
    const known = new Set<string>();
    for (const event of events) {
      if (event.type === '@xstate.actor') known.add(event.sessionId);
      expect(known).toContain(event.sessionId);
    }
    const defined = events.flatMap((one) =>
      one.type === '@xstate.actor' && one.definition !== undefined ? [one] : [],
    );
    expect(defined.map(({ machine }) => machine).sort()).toEqual(['node-run', 'run']);
    expect(defined.map(({ definition }) => JSON.parse(definition ?? '').id).sort()).toEqual([
      'node-run',
      'run',
    ]);
  });

  it('S211 only actors at work are described at first, final ones where they are asked for', async () => {
    const orchestrator = await open();
    await startVaried(orchestrator, 'r1');
    const attach = async (actors: 'live' | 'all') => {
      const inspection = orchestrator.inspect('r1', {
        actors,
        at: (await orchestrator.runs.details('r1')).seq,
      });
      return (await collect(inspection)).map((one) =>
        one.type === '@xstate.actor' ? one.name : '',
      );
    };
    expect(await attach('live')).toEqual(['r1', 'sign']);
    expect(await attach('all')).toEqual(
      [...(await stored(orchestrator, 'r1')).keys()].map((id) => id.replace('r1/', '')),
    );
  });

  it('S211 what the filter leaves out is not converted, and no value goes out unmasked', async () => {
    const orchestrator = await open();
    await playVaried(orchestrator, 'r1');
    const masked: string[] = [];
    const { events } = await attachedTo(
      orchestrator,
      'r1',
      { first: 1, steps: [1] },
      {
        filter: ({ actor }) => actor === 'flaky',
        mask: (_, { actor, of }) => {
          masked.push(`${actor} ${of}`);
          return { hidden: true };
        },
      },
    );
    expect(new Set(masked)).toEqual(new Set(['flaky event', 'flaky context']));
    for (const event of events) {
      expect(event.sessionId).toBe('r1/flaky');
      if (event.type === '@xstate.event') expect(event.event).toMatchObject({ hidden: true });
      else expect(event.snapshot.context).toEqual({ hidden: true });
    }
    expect(JSON.stringify(events)).not.toContain('once');
  });

  it('S211 what becomes secret while a reader watches is masked from then on, whatever else he masks', async () => {
    const orchestrator = await open();
    await playVaried(orchestrator, 'r1');
    const parts = growingRows(orchestrator.runs.rows, await turnsOf(orchestrator, 'r1'), {
      first: 1,
      steps: [1],
    });
    let pages = 0;
    const maskFor = async () => {
      pages += 1;
      const page = pages;
      return (value: JsonObject) => ({ ...value, page });
    };
    const mask = (value: JsonObject) => ({ of: value.page ?? 'nothing' });
    const events = await collect(new Inspection({ ...parts, maskFor }, 'r1', { mask }));
    const seen = events.map((one) =>
      Number(one.type === '@xstate.event' ? one.event.of : one.snapshot.context.of),
    );
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBeGreaterThan(5);
  });

  it('S211 a reader that is too far behind is told of it, and everything is described anew', async () => {
    const orchestrator = await open();
    await playVaried(orchestrator, 'r1');
    const ends = await turnsOf(orchestrator, 'r1');
    const { events } = await attachedTo(
      orchestrator,
      'r1',
      { first: 1, steps: [1_000] },
      { maxLag: 10 },
    );
    const told = events.find((one) => one.type === '@xstate.event');
    expect(told).toMatchObject({
      sessionId: 'r1',
      event: { type: OVERFLOW, after: ends[0], upTo: ends.at(-1) },
    });
    expect(standingAfter(events)).toEqual(await stored(orchestrator, 'r1'));
  });

  it('S211 history that is trimmed under a slow reader is skipped as an overflow, and what is gone is refused', async () => {
    const orchestrator = await open();
    await startVaried(orchestrator, 'r1');
    const inspection = orchestrator.inspect('r1', { actors: 'all' });
    const first = await inspection.next();
    expect(first.value).toMatchObject({ type: '@xstate.actor', name: 'r1' });
    const { seq } = await orchestrator.runs.details('r1');
    const { tasks } = await orchestrator.runs.details('r1');
    await orchestrator.respond(tasks[0]?.id ?? '', { response: { approved: true } });
    await orchestrator.result('r1');
    await orchestrator.trim({ historyOlderThanMs: 0 });
    const events = await collect(inspection);
    expect(events).toContainEqual(
      expect.objectContaining({ event: expect.objectContaining({ type: OVERFLOW, after: seq }) }),
    );
    expect(standingAfter(events)).toEqual(await stored(orchestrator, 'r1'));
    await expect(orchestrator.inspect('r1', { at: 1 }).next()).rejects.toMatchObject({
      code: 'history-trimmed',
    });
  });

  it('S211 a run that is not there, or an event that is not, is refused', async () => {
    const orchestrator = await open();
    await expect(orchestrator.inspect('nobody').next()).rejects.toMatchObject({
      code: 'run-unknown',
    });
    await startVaried(orchestrator, 'r1');
    await expect(orchestrator.inspect('r1', { at: 10_000 }).next()).rejects.toMatchObject({
      code: 'argument-invalid',
    });
  });

  it('S211 detaching ends a reader that waits, and closing ends them all', async () => {
    const orchestrator = await open();
    await startVaried(orchestrator, 'r1');
    const detached = orchestrator.inspect('r1');
    const closed = orchestrator.inspect('r1');
    for (const one of [detached, closed]) {
      // Both actors at work: the run and the node that asks.
      await one.next();
      await one.next();
    }
    const waiting = detached.next();
    detached.detach();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await orchestrator.annotate('r1', { note: 'seen' });
    expect((await closed.next()).value).toMatchObject({ event: { type: 'run.annotated' } });
    const next = closed.next();
    await orchestrator.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('S211 a fork shows what it was given, and an imported run what it was', async () => {
    const orchestrator = await open();
    await playVaried(orchestrator, 'r1');
    const forked = await orchestrator.change.fork('r1', { from: 'after', by: 'ops' });
    await orchestrator.result(forked.id);
    const turns = await attachedTo(orchestrator, forked.id, { first: 1, steps: [1] });
    expect(standingAfter(turns.events)).toEqual(await stored(orchestrator, forked.id));
    const file = fileWith(await exported(orchestrator, 'r1'));
    const elsewhere = await open();
    await elsewhere.import(file);
    const events = await collect(elsewhere.inspect('r1', { actors: 'all' }));
    expect(standingAfter(events)).toEqual(await stored(orchestrator, 'r1'));
  });

  it('S211 nothing is read and nothing converted while nobody watches, or any more', async () => {
    const orchestrator = await open();
    await startVaried(orchestrator, 'r1');
    const { rows } = orchestrator.runs;
    const read: string[] = [];
    for (const name of ['newestSeq', 'versionsAt', 'versionsBetween'] as const) {
      const original = rows[name].bind(rows) as (...asked: unknown[]) => never;
      Object.assign(rows, {
        [name]: (...asked: unknown[]) => {
          read.push(name);
          return original(...asked);
        },
      });
    }
    await orchestrator.annotate('r1', { note: 'unseen' });
    expect(read).toEqual([]);
    const watching = orchestrator.inspect('r1', { maxLag: 1_000 });
    await watching.next();
    expect(read).toEqual(['newestSeq', 'versionsAt']);
    await watching.return();
    read.length = 0;
    await orchestrator.annotate('r1', { note: 'unseen again' });
    expect(read).toEqual([]);
    expect(orchestrator.live()).toEqual([]);
  });

  it('S211 what is remembered for a reader are the actors at work, and a bounded number of final ones', async () => {
    const orchestrator = await open();
    await orchestrator.start(fan(1_500), { id: 'r1' });
    await orchestrator.result('r1');
    const parts = growingRows(orchestrator.runs.rows, await turnsOf(orchestrator, 'r1'), {
      first: 1,
      steps: [100],
    });
    const inspection = new Inspection(parts, 'r1', { actors: 'all' });
    let actors = 0;
    let most = 0;
    for await (const { type } of inspection) {
      if (type === '@xstate.actor') actors += 1;
      most = Math.max(most, inspection.actorsKnown);
    }
    expect(actors).toBeGreaterThan(1_500);
    expect(inspection.actorsKnown).toBeLessThanOrEqual(1_001);
    expect(most).toBeLessThanOrEqual(1_501);
  });

  it('S211 a run in the test kit is watched as any other', async () => {
    const kit = await testKit({ handlers: { work: () => 'done' } });
    const run = await kit.start(fan(5));
    const watched = collect(kit.orchestrator.inspect(run.id, { actors: 'all' }));
    await kit.settle(run);
    const events = await watched;
    expect(events.at(-1)).toMatchObject({
      type: '@xstate.snapshot',
      sessionId: run.id,
      snapshot: { value: 'completed' },
    });
    const actors = new Set(events.map(({ sessionId }) => sessionId));
    expect(actors.size).toBe(6);
  });
});
