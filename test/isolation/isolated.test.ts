/** Handlers in real threads and real processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { HandlerContext } from '../../src/actors/handlers.js';
import { isolated } from '../../src/isolation/isolated.js';
import { abortError, isolate, recording } from './support/isolating.js';
import { MODULE } from './support/module.js';

/** A program of its own with one isolated handler. */
const startProgram = (name: string, place: string) =>
  spawn(
    process.execPath,
    [
      ...process.execArgv,
      fileURLToPath(new URL('./support/program.ts', import.meta.url)),
      name,
      place,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );

/** What an attempt rejects with. */
const errorOf = (attempt: unknown): Promise<unknown> =>
  Promise.resolve(attempt).then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );

describe.each(['thread', 'process'] as const)('in a %s', (place) => {
  const throwing = isolated({ module: MODULE, in: place, export: 'throwing' });
  const returning = isolated({ module: MODULE, in: place, export: 'returning' });
  afterAll(() => {
    throwing.close();
    returning.close();
  });

  it('S240 a handler gets its input and the data of its context, and returns its result', async () => {
    class Context {
      readonly lastHeartbeat = { at: 7 };
      readonly extra = 'own';
      readonly method = () => {};
    }
    const { context } = recording(new Context());
    expect(await isolate({ in: place })({ list: [1, null] }, context)).toMatchObject({
      input: { list: [1, null] },
      run: 'r1',
      node: 'n1',
      attempt: 2,
      key: 'r1/n1/1/2',
      lastHeartbeat: { at: 7 },
      isAborted: false,
      more: expect.arrayContaining(['extra', 'signal', 'logger', 'progress']),
    });
  });

  it('S240 getters of a context reach the handler too', async () => {
    const { context } = recording();
    class Context {
      get lastHeartbeat() {
        return 'got';
      }
    }
    const { lastHeartbeat: _own, ...rest } = context;
    const inherited: HandlerContext = Object.assign(new Context(), rest);
    expect(await isolate({ in: place })(null, inherited)).toMatchObject({ lastHeartbeat: 'got' });
  });

  it('S240 progress, heartbeats and logs come through in order', async () => {
    const beats: unknown[][] = [];
    const { context, told } = recording({ heartbeat: (...args: unknown[]) => beats.push(args) });
    expect(await isolate({ in: place, export: 'talk' })(null, context)).toBeUndefined();
    expect(told).toEqual([
      ...[1, 2, 3].flatMap((step) => [
        ['progress', { step }],
        ['info', { step }, 'a step'],
      ]),
      ['warn', { fields: expect.stringContaining('odd') }, 'a function among the fields'],
    ]);
    expect(beats).toEqual([[], [{ at: 3 }]]);
  });

  it('S240 what a handler tells after its end reaches nobody', async () => {
    const talkLate = isolate({ in: place, export: 'talkLate', concurrency: 1 });
    const first = recording();
    const second = recording();
    await talkLate(null, first.context);
    await talkLate(null, second.context);
    expect([...first.told, ...second.told]).toEqual([]);
  });

  it('S240 progress that is not JSON throws inside', async () => {
    const { context, told } = recording();
    await expect(isolate({ in: place, export: 'progressOf' })(null, context)).rejects.toThrow(
      /progress is not JSON/,
    );
    expect(told).toEqual([]);
  });

  it('S240 a context that throws outside ends the attempt, and the isolate', async () => {
    const broken = recording({
      progress: () => {
        throw new Error('no progress here');
      },
    });
    const block = isolate({ in: place, export: 'block' });
    await expect(block(null, broken.context)).rejects.toThrow('no progress here');
  });

  it.each([
    ['error', { name: 'RangeError', message: 'too far', code: 'far-off', retryable: false }],
    ['object', { message: 'no error', code: 'mere-object', retryable: true }],
    ['text', 'a text'],
    ['nothing', undefined],
    ['symbol', 'Symbol(sign)'],
    ['function', expect.stringContaining('=>')],
    ['unreadable', { message: expect.stringContaining('cannot be read') }],
  ])('S240 an error keeps message, code and retryable: %s', async (kind, expected) => {
    const { context } = recording();
    const thrown = await errorOf(throwing(kind, context));
    if (typeof expected === 'object' && 'message' in expected) {
      expect(thrown).toBeInstanceOf(Error);
      expect(thrown).toMatchObject(expected);
    } else expect(thrown).toEqual(expected);
  });

  it.each([
    ['function', 'the result at /list/1: A value of type function'],
    ['cycle', 'the result at /self: A cycle'],
    ['bigint', 'the result at /big: A value of type bigint'],
    ['date', 'the result: An instance of Date'],
  ])('S240 a result that is not JSON is refused as it is in-process: %s', async (kind, message) => {
    const { context } = recording();
    const attempt = returning(kind, context);
    await expect(attempt).rejects.toMatchObject({
      code: 'result-not-json',
      message,
      retryable: false,
    });
  });

  it('S240 lifecycles are run phase by phase, and classes made anew for each attempt', async () => {
    const { context } = recording();
    expect(await isolate({ in: place, export: 'phases' })(1, context)).toEqual({ value: 20 });
    const counting = isolate({ in: place, export: 'Counting', concurrency: 1 });
    expect(await counting(null, context)).toBe(1);
    expect(await counting(null, context)).toBe(1);
  });

  it.each([
    ['no such module', { module: new URL('./nowhere.mjs', import.meta.url) }],
    ['a module that throws', { module: new URL('./support/broken-module.ts', import.meta.url) }],
    ['no such export', { export: 'nowhere' }],
    ['no handler', { export: 'notCallable' }],
  ])('S240 what cannot be loaded is an error that no retry repairs: %s', async (_, options) => {
    const { context } = recording();
    await expect(isolate({ in: place, ...options })(null, context)).rejects.toMatchObject({
      code: 'handler-not-loadable',
      retryable: false,
    });
  });

  it('S240 an input that cannot be copied is refused, and the isolate goes on', async () => {
    const { context } = recording();
    const echo = isolate({ in: place, concurrency: 1 });
    await expect(echo(() => {}, context)).rejects.toMatchObject({ code: 'input-not-json' });
    expect(await echo(1, context)).toMatchObject({ input: 1 });
  });

  it('S240 an exit is an error of its attempt alone, after all that was told', async () => {
    const exits = isolate({ in: place, export: 'exitAfterTalk' });
    const others = isolate({ in: place });
    const { context, told } = recording();
    const [exited, other] = await Promise.allSettled([
      exits(null, context),
      others('unharmed', recording().context),
    ]);
    expect(exited).toMatchObject({
      status: 'rejected',
      reason: {
        code: 'handler-exited',
        retryable: true,
        message: `the handler's ${place} ended with code 3`,
      },
    });
    expect(told).toEqual([['progress', 'last words']]);
    expect(other).toMatchObject({ value: { input: 'unharmed' } });
  });

  it('S240 an error that nobody catches ends its isolate alone', async () => {
    const { context } = recording();
    await expect(isolate({ in: place, export: 'throwLater' })(null, context)).rejects.toMatchObject(
      { code: 'handler-exited', retryable: true },
    );
  });

  it('S240 a leak ends at the memory limit, and others go on', async () => {
    const { context } = recording();
    const others = isolate({ in: place });
    const leak = isolate({ in: place, export: 'leak', memoryLimitMb: 32 });
    const leaking = errorOf(leak(null, context));
    expect(await others('unharmed', context)).toMatchObject({ input: 'unharmed' });
    expect(await leaking).toMatchObject({ code: 'handler-out-of-memory', retryable: true });
    expect(await others('unharmed', context)).toMatchObject({ input: 'unharmed' });
  });

  it('S240 a handler that blocks its loop for ever is killed after the abort, while others work', async () => {
    const { context, controller, begun } = recording();
    const blocking = isolate({ in: place, export: 'block', killAfterMs: 20 })(null, context);
    await begun;
    expect(await isolate({ in: place })('at the same time', recording().context)).toMatchObject({
      input: 'at the same time',
    });
    controller.abort(abortError('the run is ending'));
    await expect(blocking).rejects.toMatchObject({
      name: 'AbortError',
      code: 'handler-killed',
      cause: { message: 'the run is ending' },
    });
  });

  it('S240 an abort reaches the handler with its reason, and one that obeys is not killed', async () => {
    const obey = isolate({ in: place, export: 'obey', concurrency: 1 });
    const first = recording();
    const attempt = obey(null, first.context);
    const begun = await first.begun;
    first.controller.abort(abortError('enough'));
    await expect(attempt).rejects.toMatchObject({ name: 'AbortError', message: 'enough' });
    const second = recording();
    const again = obey(null, second.context);
    expect(await second.begun).toEqual(begun);
    second.controller.abort(abortError('enough again'));
    await expect(again).rejects.toThrow('enough again');
  });

  it('S240 what was aborted before it began does not begin', async () => {
    const { context, controller, told } = recording();
    controller.abort(abortError('too late'));
    await expect(isolate({ in: place, export: 'obey' })(null, context)).rejects.toThrow('too late');
    expect(told).toEqual([]);
  });

  it('S240 an abort while a call waits takes it out of the queue', async () => {
    const obey = isolate({ in: place, export: 'obey', concurrency: 1 });
    const [working, waiting] = [recording(), recording()];
    const first = obey(null, working.context);
    const second = obey(null, waiting.context);
    waiting.controller.abort(abortError('no longer wanted'));
    await expect(second).rejects.toThrow('no longer wanted');
    await working.begun;
    working.controller.abort(abortError('done'));
    await expect(first).rejects.toThrow('done');
    expect(waiting.told).toEqual([]);
  });

  it('S240 an idle isolate is reused, one that ended is not', async () => {
    const { context } = recording();
    const where = isolate({ in: place, export: 'where' });
    const first = await where(null, context);
    expect(await where(null, context)).toEqual({ ...(first as object), calls: 2 });
    const fresh = isolate({ in: place, export: 'where', maxIdle: 0 });
    expect(await fresh(null, context)).toMatchObject({ calls: 1 });
    expect(await fresh(null, context)).toMatchObject({ calls: 1 });
    where.close();
    expect(await where(null, context)).toMatchObject({ calls: 1 });
  });

  it('S240 the environment is a copy, or the one that was given', async () => {
    const { context } = recording();
    process.env.RUNCHART_ISOLATION_TEST = 'outside';
    onTestFinished(() => {
      delete process.env.RUNCHART_ISOLATION_TEST;
    });
    const name = 'RUNCHART_ISOLATION_TEST';
    expect(await isolate({ in: place, export: 'variable' })(name, context)).toBe('outside');
    const env = { PATH: process.env.PATH };
    expect(await isolate({ in: place, export: 'variable', env })(name, context)).toBeNull();
  });
});

describe('a process of its own', () => {
  it('S240 messages of the handler itself are not taken for its answer', async () => {
    const { context } = recording();
    expect(await isolate({ in: 'process', export: 'sendStrange' })(null, context)).toBe('right');
  });

  it('S240 a handler that closes the channel has exited', async () => {
    const { context } = recording();
    await expect(
      isolate({ in: 'process', export: 'closeChannel' })(null, context),
    ).rejects.toMatchObject({ code: 'handler-exited' });
  });

  it('S240 a blocked handler does not outlive a program that was killed', async () => {
    const program = startProgram('block', 'process');
    await once(program.stdout, 'data');
    program.kill('SIGKILL');
    // The handler's process holds the other end of stderr: it closes when both are gone.
    expect(await once(program, 'close')).toEqual([null, 'SIGKILL']);
  });
});

describe.each(['thread', 'process'])('a program with an idle %s', (place) => {
  it('S240 ends, and what its handlers printed is on stderr', async () => {
    const program = startProgram('print', place);
    const [stdout, stderr, [code]] = await Promise.all([
      text(program.stdout),
      text(program.stderr),
      once(program, 'close'),
    ]);
    expect({ stdout, stderr, code }).toEqual({
      stdout: '',
      stderr: expect.stringContaining('printed'),
      code: 0,
    });
  });
});

describe('isolated', () => {
  it.each([
    { module: '' },
    { module: 7 as never },
    { export: '' },
    { in: 'vm' as never },
    { concurrency: 0 },
    { maxIdle: -1 },
    { memoryLimitMb: 0.5 },
    { killAfterMs: Number.POSITIVE_INFINITY },
  ])('S240 refuses options that make no sense: %o', (options) => {
    expect(() => isolated({ module: MODULE, in: 'thread', ...options })).toThrowError(
      expect.objectContaining({ code: 'argument-invalid' }),
    );
  });

  it('S240 takes a module by path too', async () => {
    const { context } = recording();
    const byPath = isolate({ module: fileURLToPath(MODULE), in: 'thread' });
    expect(await byPath(1, context)).toMatchObject({ input: 1 });
  });
});
