/** Starts that share a key: over an orchestrator on a real file, and through crashes at every step. */
import { describe, expect, it, vi } from 'vitest';
import type { RunRecord } from '../../src/actors/records.js';
import { KeyedStarts } from '../../src/schedules/keyed-starts.js';
import { MemoryStorage } from '../../src/testing/memory-storage.js';
import { SimulatedClock } from '../../src/testing/simulation.js';
import { TurnMaker } from '../persistence/support/turns.js';
import { ASK, openPlace, type Place, WORK } from './support/place.js';

async function statusesOf({ orchestrator }: Place): Promise<Record<string, string>> {
  const runs = await orchestrator.runs.list();
  return Object.fromEntries(runs.map(({ id, status }) => [id, status]));
}

const one = { key: 'tenant-7', onConflict: 'refuse' } as const;

describe('a singleton', () => {
  it('S37 S232 has at most one unfinished run per key, also after a restart', async () => {
    const first = await openPlace();
    await first.orchestrator.start(ASK, { id: 'a', singleton: one });
    const refused = first.orchestrator.start(ASK, { id: 'b', singleton: one });
    await expect(refused).rejects.toMatchObject({
      code: 'run-conflict',
      message: expect.stringContaining('run a holds the key "tenant-7"'),
    });
    await first.orchestrator.start(ASK, { id: 'c', singleton: { ...one, key: 'tenant-8' } });
    await first.orchestrator.close();

    const second = await openPlace({ after: first });
    const again = second.orchestrator.start(ASK, { id: 'b', singleton: one });
    await expect(again).rejects.toMatchObject({ code: 'run-conflict' });
    await second.orchestrator.cancel('a');
    await second.orchestrator.result('a');
    expect((await second.orchestrator.start(ASK, { id: 'b', singleton: one })).created).toBe(true);
    expect(await statusesOf(second)).toMatchObject({ a: 'cancelled' });
  });

  it('S37 is had by what an operator puts in its place, for as long as that is unfinished, also when the first is trimmed', async () => {
    const first = await openPlace();
    const replace = (of: string, id: string) =>
      first.orchestrator.change.replace(of, { ...ASK, title: id }, { id, by: 'ann' });
    await first.orchestrator.start(ASK, { id: 'a', singleton: one });
    await replace('a', 'b');
    await replace('b', 'c');
    await first.orchestrator.result('b');
    first.environment.clock.advance(100_000);
    await first.orchestrator.trim({ olderThanMs: 1_000 });
    expect(Object.keys(await statusesOf(first))).toEqual(['c']);
    await first.orchestrator.close();

    const second = await openPlace({ after: first });
    const { orchestrator } = second;
    const start = (onConflict: 'return' | 'refuse' | 'replace', id: string) =>
      orchestrator.start(ASK, { id, singleton: { ...one, onConflict } });
    await expect(start('refuse', 'd')).rejects.toMatchObject({ code: 'run-conflict' });
    expect((await start('return', 'd')).id).toBe('c');
    expect((await start('replace', 'd')).id).toBe('d');
    expect(await statusesOf(second)).toMatchObject({ c: 'cancelled', d: 'awaiting-human' });
  });

  it('S37 is not had by a run that was there before somebody wanted it in place of another', async () => {
    const { orchestrator } = await openPlace();
    await orchestrator.start(ASK, { id: 'a', singleton: one });
    await orchestrator.start(ASK, { id: 'b' });
    const taken = orchestrator.change.replace('a', WORK, { id: 'b', by: 'ann' });
    await expect(taken).rejects.toMatchObject({ code: 'run-conflict' });
    await orchestrator.cancel('a');
    await orchestrator.result('a');
    expect((await orchestrator.start(ASK, { id: 'c', singleton: one })).created).toBe(true);
  });

  it('S37 S232 is won by one of many starts at the same time', async () => {
    const place = await openPlace();
    const starts = Array.from({ length: 20 }, (_, number) =>
      place.orchestrator.start(ASK, { input: { number }, singleton: one }),
    );
    const results = await Promise.allSettled(starts);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(Object.keys(await statusesOf(place))).toHaveLength(1);
  });

  it('S232 gives the handle of the run that is there, where it is told to', async () => {
    const { orchestrator } = await openPlace();
    const singleton = { key: 'k', onConflict: 'return' } as const;
    const first = await orchestrator.start(ASK, { singleton });
    const second = await orchestrator.start(WORK, { singleton });
    expect([second.id, second.created]).toEqual([first.id, false]);
  });

  it('S232 replaces the run that is there: it is cancelled, and the new one starts when it has ended', async () => {
    const place = await openPlace();
    const { orchestrator } = place;
    const singleton = { key: 'k', onConflict: 'replace' } as const;
    await orchestrator.start(ASK, { id: 'a', singleton });
    const starts = ['b', 'c'].map((id) => orchestrator.start(ASK, { id, singleton }));
    await Promise.all(starts);
    expect(await statusesOf(place)).toMatchObject({ a: 'cancelled', b: 'cancelled' });
    const { reason, endedAt } = await orchestrator.runs.summary('a');
    expect(reason?.message).toContain('replaced by run b');
    expect(endedAt).toBeLessThanOrEqual((await orchestrator.runs.summary('b')).createdAt);
    expect(await orchestrator.settled('c')).toBe('awaiting-human');
  });

  it('S36 S232 meets the same start again, whoever holds the key by now', async () => {
    const place = await openPlace();
    const { orchestrator } = place;
    const singleton = { key: 'k', onConflict: 'replace' } as const;
    await orchestrator.start(WORK, { id: 'a', singleton });
    await orchestrator.result('a');
    await orchestrator.start(ASK, { id: 'b', singleton });
    expect((await orchestrator.start(ASK, { id: 'b', singleton })).created).toBe(false);
    expect((await orchestrator.start(WORK, { id: 'a', singleton })).created).toBe(false);
    expect(await orchestrator.settled('b')).toBe('awaiting-human');
  });
});

describe('a debounced start', () => {
  const debounce = { key: 'k', delayMs: 1_000 };

  it('S232 takes the place of the pending one, and starts once, after the last delay', async () => {
    const place = await openPlace();
    const { orchestrator, environment } = place;
    const { clock } = environment;
    const from = clock.now();
    for (const number of [1, 2, 3]) {
      await orchestrator.start(WORK, { id: `r${number}`, input: { number }, debounce });
      clock.advance(600);
    }
    expect(await statusesOf(place)).toEqual({ r1: 'cancelled', r2: 'cancelled', r3: 'pending' });
    expect((await orchestrator.runs.summary('r1')).reason?.message).toContain('debounced');
    clock.advance(400);
    const { outputs } = await orchestrator.result('r3');
    expect(outputs).toMatchObject({ a: { input: { number: 3 } } });
    expect((await orchestrator.runs.summary('r3')).endedAt).toBe(from + 2_200);

    await orchestrator.start(WORK, { id: 'r4', debounce });
    clock.advance(1_000);
    expect((await orchestrator.result('r4')).status).toBe('completed');
  });

  it('S232 is kept through a restart, with the starts that follow', async () => {
    const first = await openPlace();
    await first.orchestrator.start(WORK, { id: 'r1', debounce });
    await first.orchestrator.close();
    const second = await openPlace({ after: first });
    await second.orchestrator.start(WORK, { id: 'r2', debounce });
    expect(await statusesOf(second)).toEqual({ r1: 'cancelled', r2: 'pending' });
    await second.orchestrator.close();
    second.environment.clock.advance(1_000);
    const third = await openPlace({ after: second });
    expect((await third.orchestrator.result('r2')).status).toBe('completed');
  });

  it('S232 leaves a run alone whose delay is over', async () => {
    const place = await openPlace();
    await place.orchestrator.start(ASK, { id: 'r1', debounce });
    place.environment.clock.advance(1_000);
    await place.orchestrator.start(ASK, { id: 'r2', debounce });
    expect(await place.orchestrator.settled('r1')).toBe('awaiting-human');
    expect(await statusesOf(place)).toMatchObject({ r2: 'pending' });
  });

  it('S232 is refused together with another time or a singleton', async () => {
    const { orchestrator } = await openPlace();
    const wrong = [
      { debounce, startAt: 5 },
      { debounce, singleton: one },
      { debounce: { key: '', delayMs: 1 } },
      { debounce: { key: 'k', delayMs: 0 } },
      { singleton: { key: 'half \ud800', onConflict: 'return' } },
      { singleton: { key: 'k', onConflict: 'wait' as 'return' } },
    ] as const;
    for (const options of wrong) {
      const start = orchestrator.start(WORK, options);
      await expect(start).rejects.toMatchObject({ code: 'argument-invalid' });
    }
  });
});

/** A process over storage in memory that stops after a number of writes. */
class Crashing {
  readonly storage: MemoryStorage;
  readonly clock: SimulatedClock;
  readonly starts: KeyedStarts;
  writesLeft = Number.POSITIVE_INFINITY;

  constructor(storage: MemoryStorage, clock: SimulatedClock) {
    this.storage = storage;
    this.clock = clock;
    const { journal, store } = storage;
    this.starts = new KeyedStarts({
      clock,
      journal: { write: (rows) => this.#write(() => journal.write(rows)) },
      keys: store.runKeys,
      status: async (run) => storage.runs.get(run)?.record.status,
      replacementOf: async () => undefined,
      cancel: (run) => this.#write(() => this.#cancel(run)),
      whenEnded: async () => {},
    });
  }

  start(number: number, turns: TurnMaker): Promise<unknown> {
    const begin = async () => {
      const turn = turns.start(number);
      const runCreated = { ...(turn.rows.runCreated as RunRecord), status: 'pending' as const };
      const rows = { ...turn.rows, runCreated };
      await this.#write(() => this.storage.journal.commit({ ...turn, rows }));
      return { created: true };
    };
    const run = { id: `run-${number}`, begin };
    return this.starts.debounce({ key: 'k', delayMs: 1_000 }, run);
  }

  get pending(): string[] {
    return [...this.storage.runs.values()]
      .filter(({ record }) => record.status === 'pending')
      .map(({ record }) => record.id);
  }

  async #write<T>(write: () => Promise<T>): Promise<T> {
    if (this.writesLeft <= 0) return new Promise(() => {});
    this.writesLeft -= 1;
    return write();
  }

  async #cancel(run: string): Promise<void> {
    const rows = this.storage.runs.get(run);
    if (rows !== undefined) rows.record = { ...rows.record, status: 'cancelled' };
  }
}

it('S232 a crash at any step of a debounced start leaves exactly one run pending', async () => {
  for (let writes = 0; writes <= 3; writes += 1) {
    const storage = new MemoryStorage();
    const clock = new SimulatedClock();
    const turns = new TurnMaker();
    const first = new Crashing(storage, clock);
    await first.start(1, turns);
    first.writesLeft = writes;
    let isAcknowledged = false;
    void first.start(2, turns).then(() => {
      isAcknowledged = true;
    });
    await vi.waitFor(() => expect(first.writesLeft).toBe(0), { interval: 1 });
    await new Promise((resolve) => setImmediate(resolve));
    const second = new Crashing(storage, clock);
    await second.starts.recover();
    expect([writes, second.pending]).toEqual([writes, [writes < 2 ? 'run-1' : 'run-2']]);
    expect(isAcknowledged).toBe(writes === 3);
    await second.start(3, turns);
    expect([writes, second.pending]).toEqual([writes, ['run-3']]);
  }
});
