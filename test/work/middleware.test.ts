/** What lies around handlers: wherever one is called, and whatever it does. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator, external, type Middleware, versions } from '../../src/index.js';
import { testKit } from '../../src/testing/index.js';
import { isolate } from '../isolation/support/isolating.js';
import { action, chain, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const fails = () => {
  throw new Error('boom');
};

it('S188 lies around handlers of every kind and place: in phases, versions, checks, fallbacks, compensations, maps, loops and subplans', async () => {
  const seen: string[] = [];
  const kit = await testKit({
    handlers: {
      work: versions({ '1': () => 1 }),
      fails,
      phases: { prep: (input: unknown) => input, exec: () => 2 },
      inClass: class {
        exec() {
          return 3;
        }
      },
      judge: () => true,
      stands: () => 4,
      undo: () => 5,
    },
    middleware: [
      { before: ({ handler, context }) => void seen.push(`${handler} ${context.node}`) },
    ],
  });
  const inner = { title: 'Inner', nodes: [action('y')], edges: [] };
  const nodes = [
    action('a', {
      handler: 'work@1',
      checks: [{ name: 'ok', handler: 'judge' }],
      compensate: { handler: 'undo' },
    }),
    action('b', { handler: 'fails', onFailure: 'fallback', fallback: { handler: 'stands' } }),
    action('c', {
      handler: 'fails',
      onFailure: 'escalate',
      escalation: [{ handler: 'stands' }],
    }),
    { kind: 'map', id: 'm', items: '[1]', handler: 'phases' },
    {
      kind: 'loop',
      id: 'l',
      maxIterations: 1,
      body: { nodes: [action('x', { handler: 'inClass' })], edges: [] },
    },
    { kind: 'subplan', id: 's', plan: 'inner' },
    action('z', { handler: 'fails' }),
  ];
  const { plan: draft } = plan(nodes, chain('a', 'b', 'c', 'm', 'l', 's', 'z'), {
    plans: { inner },
  });
  await kit.run(draft);
  expect(seen).toEqual([
    ...['work@1 a', 'judge a', 'fails b', 'stands b', 'fails c', 'stands c'],
    ...['phases m[0]', 'inClass l[1]/x', 'work y', 'fails z', 'undo ~/a'],
  ]);
});

describe('middleware that', () => {
  const outcomeOf = async (middleware: Middleware, work: () => unknown, more: object = {}) => {
    const kit = await testKit({ handlers: { work }, middleware: [middleware] });
    const run = await kit.run(plan([action('a', more)]).plan);
    const { outputs, errors } = await kit.orchestrator.result(run.id);
    return errors[0]?.message ?? outputs.a;
  };

  it('S188 throws in `after` fails the attempt, in place of what came before', async () => {
    const after = () => {
      throw new Error('after all');
    };
    expect(await outcomeOf({ after }, () => 1)).toBe('after all');
    expect(await outcomeOf({ after }, fails)).toBe('after all');
  });

  it('S188 gives nothing, or does not call what lies inside, has that as its result', async () => {
    expect(await outcomeOf({ around: () => {} }, fails)).toBeUndefined();
    expect(await outcomeOf({ around: () => 'mine' }, fails)).toBe('mine');
  });

  it('S188 tries again calls the handler again, in the same attempt', async () => {
    let calls = 0;
    const flaky = () => {
      calls += 1;
      return calls === 1 ? fails() : calls;
    };
    const around: Middleware['around'] = (_, next) => next().catch(() => next());
    expect(await outcomeOf({ around }, flaky)).toBe(2);
  });

  it('S188 never ends is ended by the time limit of its node', async () => {
    const before = () => new Promise(() => {});
    const message = await outcomeOf({ before }, () => 1, { timeoutMs: 1_000 });
    expect(message).toBe('the attempt took too long');
  });

  it('S188 does not wait for what it calls leaves no failure behind that ends the process', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const orchestrator = await createOrchestrator({
      url: temporaryDatabase(),
      handlers: { work: async () => fails() },
      middleware: [
        {
          around(_, next) {
            void next();
            return 'mine';
          },
        },
      ],
    });
    const run = await orchestrator.start(plan([action('a')]).plan);
    expect((await run.result()).outputs).toEqual({ a: 'mine' });
    await orchestrator.close();
    expect(unhandled).toEqual([]);
  });

  it('S188 is none is refused at once, with its place', async () => {
    for (const one of [undefined, null, 'text', () => {}, {}, { before: 5 }]) {
      const options = { url: temporaryDatabase(), handlers: {}, middleware: [{ after() {} }, one] };
      await expect(createOrchestrator(options as never)).rejects.toMatchObject({
        code: 'argument-invalid',
        message: expect.stringContaining('middleware[1] is no object'),
      });
    }
    const options = { url: temporaryDatabase(), handlers: {}, middleware: {} };
    await expect(createOrchestrator(options as never)).rejects.toMatchObject({
      code: 'argument-invalid',
    });
  });
});

it('S188 lies around a handler in a thread, and not around work outside', async () => {
  const seen: string[] = [];
  const orchestrator = await createOrchestrator({
    url: temporaryDatabase(),
    handlers: { work: isolate({ in: 'thread', export: 'traced' }), far: external() },
    middleware: [
      {
        async around({ handler }, next) {
          seen.push(handler);
          await next();
          return 'replaced';
        },
      },
    ],
  });
  onTestFinished(() => orchestrator.close());
  const run = await orchestrator.start(plan([action('a'), action('b', { handler: 'far' })]).plan);
  const [claimed] = await orchestrator.work.claim({
    worker: 'w',
    capabilities: ['far'],
    waitMs: 5_000,
  });
  await orchestrator.work.complete(claimed?.token ?? '', 'by a worker');
  expect((await run.result()).outputs).toEqual({ a: 'replaced', b: 'by a worker' });
  expect(seen).toEqual(['work']);
});
