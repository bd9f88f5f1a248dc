/** The window of an attempt against all that was streamed, and secrets against any way to cut a text. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AttemptStream, type StreamItem } from '../../src/actors/streams/attempt-stream.js';
import { readChunk } from '../../src/actors/streams/chunk.js';
import { StreamWatcher } from '../../src/actors/streams/stream-watcher.js';
import type { JsonValue } from '../../src/plan/json.js';
import { MASK, Secrets } from '../../src/plan/secrets.js';
import { StreamMask } from '../../src/plan/stream-mask.js';

const LIMITS = { chunks: 4, characters: 20 };
const NAME = { run: 'r', node: 'n', generation: 1, attempt: 1 };

type Step =
  | { readonly does: 'push'; readonly length: number; readonly skips: number }
  | { readonly does: 'watch' }
  | { readonly does: 'read'; readonly watcher: number };

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        does: fc.constant('push' as const),
        length: fc.nat(12),
        skips: fc.constantFrom(0, 0, 0, 2),
      }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('watch' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constant('read' as const), watcher: fc.nat(3) }),
    },
  ),
  { maxLength: 60 },
);

/** Numbers that a watcher was told of, or told that he missed. */
function numbersOf(items: readonly StreamItem[]): number[] {
  let next = 1;
  return items.flatMap((item) => {
    if (item.type === 'gap') next += item.chunks;
    if (item.type !== 'chunk') return [];
    expect(item.number).toBe(next);
    next += 1;
    return [item.number];
  });
}

it('S236 whenever and however slowly one watches, each chunk is told once and in order or counted as missed', () => {
  fc.assert(
    fc.property(steps, (all: readonly Step[]) => {
      const stream = new AttemptStream(NAME, LIMITS);
      stream.show(undefined);
      const watchers: { watcher: StreamWatcher; items: StreamItem[] }[] = [];
      const sent = new Map<number, string>();
      let number = 0;
      for (const step of all) {
        if (step.does === 'push') {
          number += 1 + step.skips;
          sent.set(number, String(number).padEnd(step.length, '.'));
          stream.push(readChunk(sent.get(number)), undefined, number);
          // Sent again, it is the same.
          stream.push(readChunk('again'), undefined, number);
          expect(stream.size).toBeLessThanOrEqual(LIMITS.characters);
        } else if (step.does === 'watch') {
          const watcher = new StreamWatcher(undefined);
          watcher.attach(stream);
          watchers.push({ watcher, items: [] });
        } else {
          const read = watchers[step.watcher];
          read?.items.push(...read.watcher.now());
        }
      }
      stream.end(7);
      for (const { watcher, items } of watchers) {
        items.push(...watcher.now());
        numbersOf(items);
        for (const item of items) {
          if (item.type === 'chunk') expect(item.value).toBe(sent.get(item.number));
        }
        const missed = items.reduce(
          (sum, item) => sum + (item.type === 'gap' ? item.chunks : 0),
          0,
        );
        const told = items.filter(({ type }) => type === 'chunk').length;
        expect(told + missed).toBe(number);
        expect(items.at(-1)).toMatchObject({ type: 'end', chunks: sent.size, seq: 7 });
      }
      expect(stream.isWatched).toBe(false);
    }),
  );
});

it('S236 nothing is shown before it is known what is secret, and then all of it or none', () => {
  const stream = new AttemptStream(NAME, LIMITS);
  const watcher = new StreamWatcher(undefined);
  watcher.attach(stream);
  stream.push(readChunk('my hun'));
  stream.push(readChunk('ter2'));
  expect([...watcher.now()]).toEqual([]);
  const secrets = new Secrets();
  secrets.add('hunter2');
  stream.show(new StreamMask(secrets));
  stream.push(readChunk('!'));
  stream.end(null);
  const values = [...watcher.now()].flatMap((item) => (item.type === 'chunk' ? [item.value] : []));
  expect(values).toEqual(['my ', MASK, '!']);
});

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 4, maxLength: 7 });
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 40 });
const cuts = fc.array(fc.nat(40), { maxLength: 12 });

it('S236 a text shows the same however it is cut, and has no secret whole', () => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), text, cuts, (words, whole, at) => {
      const secrets = new Secrets();
      for (const secret of words) secrets.add(secret);
      const shown = (pieces: readonly string[]) => {
        const mask = new StreamMask(secrets);
        return (
          pieces.flatMap((piece) => mask.take(piece, piece.length)).join('') + mask.rest().text
        );
      };
      const places = [0, ...at.toSorted((a, b) => a - b), whole.length];
      const pieces = places.slice(1).map((end, i) => whole.slice(places[i], end));
      expect(shown(pieces)).toBe(shown([whole]));
      for (const part of shown(pieces).split(MASK)) {
        for (const secret of words) expect(part).not.toContain(secret);
      }
    }),
  );
});

it('S236 promise 18: a text within JSON values shows the same however it is cut, and each value comes once and in order', () => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), text, cuts, (words, whole, at) => {
      const secrets = new Secrets();
      for (const secret of words) secrets.add(secret);
      const shown = (pieces: readonly string[]) => {
        const mask = new StreamMask(secrets);
        const values = pieces.map((delta, n) => ({ n, type: 'a', delta: { of: [n, delta] } }));
        const told = values.flatMap((value) => mask.take(value, JSON.stringify(value).length));
        return [...told, ...mask.rest().values] as typeof values;
      };
      const places = [0, ...at.toSorted((a, b) => a - b), whole.length];
      const pieces = places.slice(1).map((end, i) => whole.slice(places[i], end));
      const told = shown(pieces);
      expect(told.map(({ n, delta }) => [n, delta.of[0]])).toEqual(pieces.map((_, n) => [n, n]));
      const joined = told.map(({ delta }) => delta.of[1]).join('');
      const [one] = shown([whole]);
      expect(joined).toBe(one?.delta.of[1]);
      for (const part of joined.split(MASK)) {
        for (const secret of words) expect(part).not.toContain(secret);
      }
    }),
  );
});

function masked(...texts: string[]): StreamMask {
  const secrets = new Secrets();
  for (const text of texts) secrets.add(text);
  return new StreamMask(secrets);
}

it('S236 a value that may hold the beginning of a secret waits whole, and those behind it wait for it', () => {
  const mask = masked('texas-1836');
  const take = (value: JsonValue) => mask.take(value, 10);
  // The end of `text` is how the secret begins.
  expect(take({ type: 'text', delta: 'from ' })).toEqual([]);
  expect(take('said')).toEqual([]);
  expect(take({ type: 'text', delta: 'te' })).toEqual([{ type: 'text', delta: 'from ' }, 'said']);
  expect(take({ usage: 3 })).toEqual([]);
  expect(take({ type: 'end', delta: 'xas-1836!' })).toEqual([
    { type: 'text', delta: MASK },
    { usage: 3 },
    { type: 'end', delta: '!' },
  ]);
  expect(mask.rest()).toEqual({ values: [], text: '' });
});

it('S236 what waits for the rest of a secret is bounded, in pieces and in characters', () => {
  for (const length of [10, 60_000]) {
    const mask = masked('hunter2');
    expect(mask.take({ delta: 'hunt' }, 10)).toEqual([]);
    const told: JsonValue[] = [];
    let taken = 0;
    for (; told.length === 0; taken += 1) told.push(...mask.take({ n: taken }, length));
    expect(taken).toBeLessThanOrEqual(32);
    expect(told).toEqual([{ delta: 'hunt' }, ...Array.from({ length: taken }, (_, n) => ({ n }))]);
  }
});

it('S236 a watcher is told of no gap where chunks wait for the rest of a secret', () => {
  const stream = new AttemptStream(NAME, { chunks: 16, characters: 1_000 });
  const watcher = new StreamWatcher(undefined);
  watcher.attach(stream);
  stream.push(readChunk({ d: 'no hun' }));
  stream.show(masked('hunter2'));
  expect([...watcher.now()]).toEqual([]);
  stream.push(readChunk({ d: 'ter' }));
  expect([...watcher.now()]).toEqual([]);
  stream.push(readChunk({ d: '!' }));
  const told = [...watcher.now()];
  expect(told.map((item) => item.type === 'chunk' && item.value)).toEqual([
    ...[{ d: 'no hun' }, { d: 'ter' }, { d: '!' }],
  ]);
  stream.push(readChunk({ d: 'hunt' }));
  stream.end(null);
  expect([...watcher.now()]).toMatchObject([
    { type: 'chunk', number: 4, value: { d: 'hunt' } },
    { type: 'end', chunks: 4 },
  ]);
});
