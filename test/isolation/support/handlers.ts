/** Handlers for isolates: well-behaved, careless, and harmful ones. */
import { threadId } from 'node:worker_threads';
import type { HandlerContext } from '../../../src/actors/handlers.js';

let calls = 0;

/** Where it is, and how often this isolate was called. */
export const where = () => ({ pid: process.pid, threadId, calls: ++calls });

export default function echo(input: unknown, context: HandlerContext) {
  const { run, node, attempt, key, lastHeartbeat = null } = context;
  const isAborted = context.signal.aborted;
  return { input, run, node, attempt, key, lastHeartbeat, isAborted, more: Object.keys(context) };
}

/** What it finds at two pointers, one of which is no payload. */
export async function read(input: { pointer: string }, { payload }: HandlerContext) {
  const [found, refused] = await Promise.all([
    payload(input.pointer),
    payload('https://example.org').catch(
      (error: Error & { code?: string }) => error.code ?? 'none',
    ),
  ]);
  return { size: String(found).length, refused };
}

export function talk(_input: unknown, { progress, logger, heartbeat }: HandlerContext) {
  for (let step = 1; step <= 3; step++) {
    progress({ step });
    logger.info({ step }, 'a step');
  }
  heartbeat?.();
  heartbeat?.({ at: 3 });
  logger.warn({ odd: () => {} }, 'a function among the fields');
}

export const talkLate = (_input: unknown, { progress }: HandlerContext) => {
  setImmediate(() => progress('late'));
};

export const progressOf = (_input: unknown, { progress }: HandlerContext) =>
  progress((() => {}) as never);

/** Says that it has begun, and then never lets the loop go on. */
export function block(_input: unknown, { progress }: HandlerContext): never {
  progress({ pid: process.pid });
  for (;;);
}

/** Says that it has begun, and ends when it is told to. */
export function obey(_input: unknown, { progress, signal }: HandlerContext): Promise<never> {
  progress({ pid: process.pid });
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

export const exit = (code: number) => process.exit(code);

export const exitAfterTalk = (_input: unknown, { progress }: HandlerContext) => {
  progress('last words');
  process.exit(3);
};

export function leak(): never {
  const held: number[][] = [];
  for (;;) held.push(new Array(10_000).fill(held.length + 0.5));
}

export const throwLater = () =>
  new Promise(() => {
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
  });

const THROWN: Readonly<Record<string, () => unknown>> = {
  error: () => Object.assign(new RangeError('too far'), { code: 'far-off', retryable: false }),
  object: () => ({ message: 'no error', code: 'mere-object', retryable: true }),
  text: () => 'a text',
  nothing: () => undefined,
  symbol: () => Symbol('sign'),
  function: () => () => {},
  unreadable: () => ({
    get message() {
      throw new Error('no');
    },
  }),
};

export const throwing = (kind: string) => {
  throw THROWN[kind]?.();
};

const RESULTS: Readonly<Record<string, () => unknown>> = {
  nothing: () => undefined,
  function: () => ({ list: [1, () => {}] }),
  cycle: () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    return cycle;
  },
  bigint: () => ({ big: 1n }),
  date: () => new Date(0),
};

export const returning = (kind: string) => RESULTS[kind]?.();

export const phases = {
  prep: (input: number) => input + 1,
  exec: (prepared: number) => prepared * 10,
  post: (value: number) => ({ value }),
};

export class Counting {
  #count = 0;
  exec() {
    return ++this.#count;
  }
}

export const notCallable = 42;

export const variable = (name: string) => process.env[name] ?? null;

export const onceThenExit = (_input: unknown, { attempt }: HandlerContext) => {
  if (attempt === 1) process.exit(3);
  return { attempt, pid: process.pid };
};

export const closeChannel = () => {
  process.disconnect?.();
  return new Promise(() => {});
};

export const sendStrange = () => {
  process.send?.('ready');
  process.send?.({ type: 'returned', call: 'another', value: 'wrong' });
  return 'right';
};

export const print = () => console.log('printed');

/** The trace that it works in. */
export const traced = (_input: unknown, { trace }: HandlerContext) => trace ?? null;

/** Streams each word; its result is why what is too long was refused. */
export function streaming({ words }: { words: readonly string[] }, { stream }: HandlerContext) {
  for (const word of words) stream(word);
  try {
    stream('x'.repeat(100_000));
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return 'not refused';
}
