import { describe, expect, it } from 'vitest';
import { HandlerRegistry } from '../../src/actors/handler-registry.js';
import type { HandlerContext, Handlers } from '../../src/actors/handlers.js';
import { Kernel } from '../support/kernel.js';
import { action, edge, plan } from '../support/plans.js';

/** Outputs of a chain of `ids`, an action each with the handler of its name, after all tries. */
async function played(handlers: Handlers, more: object = {}) {
  const kernel = new Kernel({ handlers });
  const nodes = Object.keys(handlers).map((id) => action(id, { handler: id, ...more }));
  await kernel.start(plan(nodes), { input: { n: 2 } });
  await kernel.settle();
  return kernel;
}

describe('a handler', () => {
  it('S7 is a function, an object with phases, or a class with phases', async () => {
    class Doubling {
      prep({ n }: { n: number }) {
        return [n, n];
      }
      async exec(numbers: number[]) {
        return numbers.reduce((sum, n) => sum + n, 0);
      }
      post(sum: number, { node }: HandlerContext) {
        return { node, sum };
      }
    }
    const kernel = await played({
      function: ({ n }) => n + 1,
      execOnly: { exec: ({ n }) => n + 2 },
      object: {
        prep: async ({ n }) => n * 10,
        exec: (n, { attempt }) => ({ n, attempt }),
        post: async (value) => ({ ok: true, output: value, action: 'go' }),
      },
      class: Doubling,
    });
    expect(kernel.summary()).toMatchObject({
      status: 'completed',
      outputs: {
        function: 3,
        execOnly: 4,
        object: { n: 20, attempt: 1 },
        class: { node: 'class', sum: 4 },
      },
    });
    expect(kernel.rows().nodeRuns.get('object')?.action).toBe('go');
  });

  it('S7 S52 S237 may take what its context offers out of it', async () => {
    const kernel = await played({
      work: async (_input, { heartbeat, logger, payload, progress, signal }) => {
        progress({ half: true });
        heartbeat({ at: 3 });
        logger.info({}, 'on its way');
        await expect(payload('elsewhere')).rejects.toMatchObject({ code: 'argument-invalid' });
        return { isAborted: signal.aborted };
      },
    });
    expect(kernel.summary()).toMatchObject({ outputs: { work: { isAborted: false } } });
    expect(kernel.details('attempt.progressed')).toHaveLength(1);
  });

  it('S7 may be a class whose phases are fields, and fails where it is one without exec', async () => {
    class Fields {
      prep = ({ n }: { n: number }) => n + 1;
      exec = async (n: number) => n * 10;
    }
    class Without {
      run = () => 1;
    }
    const kernel = await played({ fields: Fields, without: Without as never });
    expect(kernel.rows().nodeRuns.get('fields')?.outputJson).toBe('30');
    expect(kernel.details('attempt.failed')).toMatchObject([
      { message: 'handler "without" is a class without exec()' },
    ]);
  });

  it('S7 that is a class has a new instance for each attempt', async () => {
    const instances: object[] = [];
    class Counting {
      calls = 0;
      prep() {
        this.calls += 1;
      }
      exec() {
        instances.push(this);
        this.calls += 1;
        if (instances.length < 3) throw new Error('not yet');
        return this.calls;
      }
    }
    const kernel = await played({ count: Counting }, { retry: { maxAttempts: 3 } });
    expect(new Set(instances).size).toBe(3);
    expect(kernel.summary()).toMatchObject({ status: 'completed', outputs: { count: 2 } });
  });

  it('S7 S45 that throws in any phase fails its attempt, and goes no further', async () => {
    const reached: string[] = [];
    for (const culprit of ['prep', 'exec', 'post']) {
      const phase = (name: string) => () => {
        reached.push(`${culprit}:${name}`);
        if (name === culprit) throw new Error(`${name} broke`);
      };
      const handler = { prep: phase('prep'), exec: phase('exec'), post: phase('post') };
      const kernel = await played({ broken: handler });
      expect(kernel.status()).toBe('failed');
      expect(kernel.details('attempt.failed')).toMatchObject([{ message: `${culprit} broke` }]);
    }
    expect(reached).toEqual([
      'prep:prep',
      'exec:prep',
      'exec:exec',
      'post:prep',
      'post:exec',
      'post:post',
    ]);
  });

  it.each([['text'], [null], [{}], [{ prep: () => 1 }], [7]])(
    'S7 that is %j is refused at once, by its key',
    (handler) => {
      expect(() => new HandlerRegistry({ odd: handler as never })).toThrow(/"odd"/);
    },
  );
});

describe('what is missing', () => {
  const registry = new HandlerRegistry({ work: () => 1, 'agent/known': () => 1 }, ['user/ann']);

  it('S8 is named, every key once', () => {
    const nodes = ['x', 'y', 'work', 'x'].map((handler, i) => action(`n${i}`, { handler }));
    expect(() => registry.assertServes(plan(nodes))).toThrow(
      expect.objectContaining({
        code: 'handler-missing',
        message: 'no handler is registered for "x", "y"',
      }),
    );
  });

  it('S11 is named where it is an owner that is neither an executor nor a handler', () => {
    const owner = (executorType: string, ref: string) => ({ owner: { executorType, ref } });
    const served = [owner('user', 'ann'), owner('agent', 'known')];
    const missing = [owner('user', 'bob'), owner('plugin', 'p'), owner('agent', 'ann')];
    const nodes = [...served, ...missing].map((more, i) =>
      action(`n${i}`, { handler: 'work', ...more }),
    );
    expect(() => registry.assertServes(plan(nodes))).toThrow(
      expect.objectContaining({
        code: 'executor-missing',
        message: 'no executor is registered for "agent/ann", "plugin/p", "user/bob"',
      }),
    );
    expect(() => registry.assertServes(plan(nodes.slice(0, served.length)))).not.toThrow();
  });
});

describe('an input', () => {
  it('S90 is resolved once, and each attempt gets a copy that nobody else sees', async () => {
    const seen: string[] = [];
    const kernel = new Kernel({
      handlers: {
        spoil: (input: { v: number; list: number[] }) => {
          seen.push(JSON.stringify(input));
          input.v = 99;
          input.list.push(99);
          if (seen.length < 3) throw new Error('again');
          return 'done';
        },
      },
    });
    const untouched = 'input.v == 1 && nodes["spoiler"].input.list == [7]';
    await kernel.start(
      plan(
        [
          action('a'),
          action('spoiler', { handler: 'spoil', retry: { maxAttempts: 3 } }),
          action('sees'),
          action('other'),
        ],
        [
          edge('a', 'spoiler'),
          edge('spoiler', 'sees', { when: untouched }),
          edge('a', 'other', { map: { list: 'output.list' } }),
        ],
      ),
    );
    await kernel.settle();
    await kernel.finish('a', { v: 1, list: [7] });
    const original = '{"v":1,"list":[7]}';
    expect(seen).toEqual([original, original, original]);
    expect(kernel.summary().inputs.spoiler).toEqual({ v: 1, list: [7] });
    expect(kernel.summary().outputs.a).toEqual({ v: 1, list: [7] });
    expect(kernel.working()).toEqual(['sees', 'other']);
  });

  it('S90 is stored when its node becomes ready, and the same after a restart', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a'), action('b')], [edge('a', 'b')]), { concurrency: 1 });
    await kernel.settle();
    await kernel.finish('a', { v: [1] });
    (kernel.attempt('b').input as { v: number[] }).v.push(2);
    expect(kernel.rows().nodeRuns.get('b')?.inputJson).toBe('{"v":[1]}');
    await kernel.restart();
    expect(kernel.attempt('b')).toMatchObject({ attempt: 2, input: { v: [1] } });
    expect(kernel.rows().nodeRuns.get('b')?.inputJson).toBe('{"v":[1]}');
  });
});
