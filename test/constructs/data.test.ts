import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../src/plan/compile.js';
import { Kernel } from '../support/kernel.js';
import { action, chain, edge, join, plan } from '../support/plans.js';

describe('a transform', () => {
  it('S86 makes what an edge carries, from output, input, inputs and other nodes', async () => {
    const kernel = new Kernel();
    const transform = '{"sum": output.n + inputs.base, "from": nodes["a"].output.n, "in": input}';
    await kernel.start(plan([action('a'), action('b')], [edge('a', 'b', { transform })]), {
      input: { base: 10 },
    });
    await kernel.finish('a', { n: 5 });
    expect(kernel.attempt('b').input).toEqual({ sum: 15, from: 5, in: { base: 10 } });
  });

  it('S86 comes before the map, which reads what it made', async () => {
    const kernel = new Kernel();
    const edges = [edge('a', 'b', { transform: '{"x": output.n * 2}', map: { y: 'output.x' } })];
    await kernel.start(plan([action('a'), action('b')], edges));
    await kernel.finish('a', { n: 4 });
    expect(kernel.attempt('b').input).toEqual({ y: 8 });
  });

  it('S59 S86 that fails, fails its target alone', async () => {
    const kernel = new Kernel();
    const nodes = [action('a'), action('b', { onFailure: 'skip' }), action('c')];
    await kernel.start(
      plan(nodes, [edge('a', 'b', { transform: 'output.missing' }), edge('a', 'c')]),
    );
    await kernel.finish('a', {});
    expect(kernel.summary().nodes).toEqual({ a: 'completed', b: 'skipped', c: 'running' });
  });

  it.each(['output..x', 'constructor("x")', '{"__proto__": 1}', 'this.process'])(
    'S66 S86 %s is refused when the plan is compiled, with its place',
    (transform) => {
      const nodes = [action('a'), action('b')];
      const result = compilePlan({ title: 'T', nodes, edges: [edge('a', 'b', { transform })] });
      expect(result).toMatchObject({ issues: [{ path: '/edges/0/transform' }] });
    },
  );
});

describe('what nodes give', () => {
  it.each(['inputs', 'input', 'output', 'nodes', 'loop', 'outcome', 'action', 'hasOwnProperty'])(
    'S91 is read under the id of the node, though that is %s, and hides nothing',
    async (id) => {
      const kernel = new Kernel();
      const transform = `{"in": inputs.k, "out": output, "of": nodes["${id}"].output.k}`;
      const version = plan(
        [action(id), action('b'), action('c')],
        [edge(id, 'b'), edge('b', 'c', { transform })],
      );
      await kernel.start(version, { input: { k: 'the input' } });
      await kernel.finish(id, { k: 'of the node' });
      await kernel.finish('b', 'of b');
      expect(kernel.attempt('c').input).toEqual({
        in: 'the input',
        out: 'of b',
        of: 'of the node',
      });
    },
  );

  it.each(['__proto__', 'constructor', 'prototype'])('S91 has no node called %s', (id) => {
    const result = compilePlan({ title: 'T', nodes: [action(id)], edges: [] });
    expect(result).toMatchObject({ ok: false, issues: [{ code: 'invalid-id' }] });
  });
});

describe('schemas of both ends', () => {
  const number = {
    type: 'object',
    properties: { n: { type: 'number' } },
    additionalProperties: false,
  };
  const text = { type: 'object', properties: { n: { type: 'string' } } };
  const codes = (source: object, target: object, more: object = {}, frame: object = {}) => {
    const nodes = [action('a', { outputSchema: source }), action('b', { inputSchema: target })];
    const result = compilePlan({ title: 'T', nodes, edges: [edge('a', 'b', more)], ...frame });
    return result.ok ? [] : result.issues.map(({ code, path }) => `${code} ${path}`);
  };

  it('S233 that can never meet are refused, at the path of the map', () => {
    expect(codes({ type: 'string' }, { type: 'number' })).toEqual(['schema-misfit /edges/0']);
    expect(codes(number, text, { map: { n: 'output.n' } })).toEqual([
      'schema-misfit /edges/0/map/n',
    ]);
    expect(codes(number, text, { map: { n: 'output.gone' } })).toEqual([
      'schema-misfit /edges/0/map/n',
    ]);
    const inputs = { type: 'object', properties: { n: { type: 'boolean' } } };
    expect(codes({}, text, { map: { n: 'inputs.n' } }, { inputs })).toEqual([
      'schema-misfit /edges/0/map/n',
    ]);
  });

  it('S233 that may meet, or are not known, are taken', () => {
    expect(codes({ type: ['string', 'number'] }, { type: 'number' })).toEqual([]);
    expect(codes(number, text, { map: { other: 'output.n' } })).toEqual([]);
    expect(codes(number, text, { transform: '{"n": string(output.n)}' })).toEqual([]);
    expect(codes({}, text)).toEqual([]);
  });
});

describe('an input that is resolved again', () => {
  it('S90 changes with what other nodes have given since', async () => {
    const kernel = new Kernel();
    const again = action('b', { resolveInput: 'each-attempt', retry: { maxAttempts: 2 } });
    const edges = [edge('a', 'b', { map: { seen: 'nodes["side"].output' } })];
    await kernel.start(plan([action('a'), action('side'), again], edges));
    await kernel.finish('a');
    expect(kernel.attempt('b').input).toEqual({});
    await kernel.finish('side', 'now');
    await kernel.fail('b');
    expect(kernel.attempt('b').input).toEqual({ seen: 'now' });
  });
});

describe('fan-in', () => {
  it('S174 S175 counts an arrival once, however often its result comes', async () => {
    const kernel = new Kernel();
    const nodes = [action('a'), action('b'), join('j', { rule: { count: 2 } }), action('z')];
    await kernel.start(plan(nodes, [edge('a', 'j'), edge('b', 'j'), edge('j', 'z')]));
    const result = { type: 'returned', value: 1 } as const;
    const message = {
      type: 'attempt.result',
      node: 'a',
      generation: 1,
      attempt: 1,
      result,
    } as const;
    await kernel.send(message);
    await expect(kernel.send(message)).rejects.toMatchObject({ code: 'node-not-running' });
    await kernel.settle();
    expect(kernel.summary().nodes.j).toBe('pending');
    await kernel.finish('b');
    expect(kernel.summary().nodes.j).toBe('completed');
  });

  it('S175 counts a node once that has several edges to a join', async () => {
    const kernel = new Kernel();
    const nodes = [action('a'), action('b'), action('c'), join('j', { rule: { count: 2 } })];
    const twice = [edge('a', 'j'), edge('a', 'j', { map: { again: 'output' } })];
    await kernel.start(plan(nodes, [...twice, edge('b', 'j'), edge('c', 'j')]));
    await kernel.finish('a');
    await kernel.restart();
    expect(kernel.summary().nodes.j).toBe('pending');
    await kernel.finish('b');
    expect(kernel.summary().nodes.j).toBe('completed');
  });

  it('S175 an arrival by one edge stands, whatever those beside it say', async () => {
    const kernel = new Kernel();
    const rule = { when: 'open == 0 && taken == 1 && dead == 1 && total == 2' };
    const nodes = [action('a'), action('b'), join('j', { rule })];
    const either = [edge('a', 'j', { when: 'output > 1' }), edge('a', 'j', { when: 'output < 1' })];
    const neither = [
      edge('b', 'j', { when: 'output > 1' }),
      edge('b', 'j', { when: 'output < 1' }),
    ];
    await kernel.start(plan(nodes, [...either, ...neither]));
    await kernel.finish('a', 0);
    await kernel.finish('b', 1);
    expect(kernel.summary().nodes.j).toBe('completed');
  });

  it('S175 S177 S179 loses no arrival over a restart, and starts exactly what is ready', async () => {
    const kernel = new Kernel();
    const nodes = [action('a'), action('b'), action('c'), join('j'), action('z')];
    const edges = [edge('a', 'j'), edge('b', 'j'), edge('c', 'j'), edge('j', 'z')];
    await kernel.start(plan(nodes, edges));
    for (const id of ['a', 'b', 'c']) {
      await kernel.finish(id, id);
      await kernel.restart();
    }
    expect(kernel.working()).toEqual(['z']);
    expect(kernel.attempt('z').input).toEqual({ a: 'a', b: 'b', c: 'c' });
  });

  it('S179 of a join that can no longer be satisfied fails at once', async () => {
    const kernel = new Kernel();
    const nodes = [action('a', { onFailure: 'continue' }), action('b'), join('j')];
    await kernel.start(plan(nodes, [edge('a', 'j'), edge('b', 'j')]));
    await kernel.fail('a');
    expect(kernel.summary().nodes.j).toBe('failed');
  });

  it('S200 keeps the reason of whatever was skipped, blocked, partial or cancelled', async () => {
    const kernel = new Kernel();
    const nodes = [
      action('skips', { onFailure: 'skip' }),
      action('blocks', { onFailure: 'replan' }),
      action('covered', { onFailure: 'continue', defaultOutput: 1 }),
    ];
    await kernel.start(plan([...nodes, action('after')], chain('skips', 'after')));
    for (const id of ['skips', 'blocks', 'covered']) await kernel.fail(id, new Error(id));
    const reasons = Object.fromEntries(
      [...kernel.rows().nodeRuns.values()].map(({ node, reasonJson }) => [
        node,
        JSON.parse(reasonJson ?? 'null')?.message,
      ]),
    );
    expect(reasons).toEqual({
      skips: 'skips',
      blocks: 'blocks',
      covered: 'covered',
      after: 'no branch that leads here was taken',
    });
  });
});

describe('a lifecycle handler', () => {
  it('S116 goes through prep, exec on each try, fallback on the last, post, and recover where it failed', async () => {
    const calls: string[] = [];
    class Patient {
      prep(input: { n: number }) {
        calls.push('prep');
        return input.n + 1;
      }
      exec(prepared: number): number {
        calls.push(`exec ${prepared}`);
        throw new Error('down');
      }
      fallback(error: Error, prepared: number) {
        calls.push(`fallback ${error.message}`);
        return prepared * 10;
      }
      post(value: number) {
        calls.push('post');
        return { value };
      }
      recover(error: Error) {
        calls.push(`recover ${error.message}`);
      }
    }
    const kernel = new Kernel({ handlers: { patient: Patient } });
    const node = { kind: 'action', id: 'a', handler: 'patient', retry: { maxAttempts: 2 } };
    await kernel.start(plan([node]), { input: { n: 1 } });
    await kernel.settle();
    expect(calls).toEqual([
      'prep',
      'exec 2',
      'recover down',
      'prep',
      'exec 2',
      'fallback down',
      'post',
    ]);
    expect(kernel.summary().outputs.a).toEqual({ value: 20 });
  });

  it('S116 does not recover what was aborted', async () => {
    const calls: string[] = [];
    const handler = {
      exec: (_: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      recover: () => calls.push('recover'),
    };
    const kernel = new Kernel({ handlers: { handler } });
    await kernel.start(plan([{ kind: 'action', id: 'a', handler: 'handler' }]));
    await kernel.cancel();
    await kernel.settle();
    expect(kernel.status()).toBe('cancelled');
    expect(calls).toEqual([]);
  });
});
