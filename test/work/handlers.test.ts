import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createOrchestrator,
  type HandlerContext,
  type Middleware,
  type Orchestrator,
  type OrchestratorOptions,
  versions,
} from '../../src/index.js';
import { testKit } from '../../src/testing/index.js';
import { action, chain, plan } from '../support/plans.js';
import { far, LEASE_MS, Outside } from './support/outside.js';

const only = (handler: string, more: object = {}) => ({
  title: 'Only',
  nodes: [{ kind: 'action' as const, id: 'only', handler, ...more }],
  edges: [],
});

describe('middleware', () => {
  const order: string[] = [];
  const told = (name: string): Middleware => ({
    before: () => void order.push(`before ${name}`),
    async around({ input }, next) {
      order.push(`into ${name}`);
      const value = await next(input);
      order.push(`out of ${name}`);
      return value;
    },
    after: (_, outcome) => void order.push(`after ${name}: ${outcome.ok}`),
  });
  beforeEach(() => void order.splice(0));

  it('S188 lies around a handler in the order of the list, the first outermost', async () => {
    const kit = await testKit({
      handlers: { work: () => void order.push('work') },
      middleware: [told('a'), told('b')],
    });
    await kit.run(only('work'));
    expect(order).toEqual([
      ...['before a', 'into a', 'before b', 'into b', 'work'],
      ...['out of b', 'after b: true', 'out of a', 'after a: true'],
    ]);
  });

  it('S188 sees run, node, attempt and input, and around may replace input and result', async () => {
    const seen: unknown[] = [];
    const kit = await testKit({
      handlers: { double: (n: number) => n * 2 },
      middleware: [
        {
          async around({ handler, input, context: { run, node, attempt } }, next) {
            seen.push({ handler, input, run, node, attempt });
            return { output: await next(21), ok: true };
          },
        },
      ],
    });
    const run = await kit.run(only('double'), { id: 'r', input: { n: 1 } });
    expect((await kit.orchestrator.result(run.id)).outputs).toEqual({ only: 42 });
    expect(seen).toMatchObject([{ handler: 'double', run: 'r', node: 'only', attempt: 1 }]);
  });

  it('S188 fails the attempt with what it throws, as the handler would, and is told of failures inside', async () => {
    const refusing: Middleware = {
      before: () => {
        throw Object.assign(new Error('not you'), { class: 'quota', code: 'too-much' });
      },
    };
    const kit = await testKit({
      handlers: { work: () => void order.push('work') },
      middleware: [told('a'), refusing, told('never')],
    });
    const run = await kit.run(only('work'));
    const result = await kit.orchestrator.result(run.id);
    expect(result.errors[0]).toMatchObject({ code: 'too-much', message: 'not you' });
    expect(order).toEqual(['before a', 'into a', 'after a: false']);
  });
});

describe('services', () => {
  it('S189 are what the application gave, typed, in the context of every handler', async () => {
    interface Services {
      readonly rates: ReadonlyMap<string, number>;
    }
    const services: Services = { rates: new Map([['eur', 1.1]]) };
    const folder = mkdtempSync(join(tmpdir(), 'runchart-services-'));
    const orchestrator = await createOrchestrator({
      url: join(folder, 'runs.db'),
      services,
      handlers: {
        convert: (_input, context) => context.services.rates.get('eur'),
        phases: {
          exec: (_input: unknown, { services: { rates } }: HandlerContext<Services>) => rates.size,
        },
      },
      middleware: [{ before: ({ context }) => expect(context.services).toBe(services) }],
    } satisfies OrchestratorOptions<Services>);
    const { nodes, edges } = only('convert');
    const both = {
      title: 'Both',
      nodes: [...nodes, { kind: 'action' as const, id: 'p', handler: 'phases' }],
      edges,
    };
    const run = await orchestrator.start(both);
    expect((await run.result()).outputs).toEqual({ only: 1.1, p: 1 });
    await orchestrator.close();
    rmSync(folder, { recursive: true, force: true });
  });
});

describe('versions of handlers', () => {
  it('S239 a plan gets the version that it asks for, and else the last of the list', async () => {
    const kit = await testKit({
      handlers: { work: versions({ '1.0': () => 'one', '1.1': () => 'one and a bit' }) },
    });
    const outputOf = async (handler: string) =>
      (await kit.orchestrator.result((await kit.run(only(handler))).id)).outputs.only;
    expect(await outputOf('work@1.0')).toBe('one');
    expect(await outputOf('work@1.1')).toBe('one and a bit');
    expect(await outputOf('work')).toBe('one and a bit');
  });

  it('S239 a start that needs a version which is not there is refused, and so is a plan that would', async () => {
    const kit = await testKit({ handlers: { work: versions({ '1': () => 1 }), plain: () => 1 } });
    for (const handler of ['work@2', 'plain@1']) {
      await expect(kit.start(only(handler))).rejects.toMatchObject({
        code: 'handler-version-missing',
      });
    }
    expect((await kit.start(only('work@1'))).id).toBeDefined();
  });
});

describe('a process that lacks a version', () => {
  let folder: string;
  let orchestrator: Orchestrator;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'runchart-versions-'));
  });
  afterEach(async () => {
    await orchestrator.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const open = async (handlers: OrchestratorOptions['handlers']) => {
    orchestrator = await createOrchestrator({ url: join(folder, 'runs.db'), handlers });
  };

  it('S13 S239 S181 refuses its node with an event, goes on with the others, and a later process does it', async () => {
    const both = {
      title: 'Both',
      nodes: [
        { kind: 'signal' as const, id: 'go' },
        { kind: 'action' as const, id: 'old', handler: 'work@1' },
        { kind: 'action' as const, id: 'new', handler: 'work' },
      ],
      edges: [
        { source: 'go', target: 'old' },
        { source: 'go', target: 'new' },
      ],
    };
    await open({ work: versions({ '1': () => 'by 1' }) });
    await orchestrator.start(both, { id: 'r' });
    await orchestrator.close();
    await open({ work: versions({ '2': () => 'by 2' }) });
    expect(await orchestrator.examine()).toMatchObject([
      { run: 'r', code: 'handler-version-missing' },
    ]);
    await orchestrator.signal('r', 'go');
    for await (const event of orchestrator.events('r')) {
      if (event.type === 'node.completed' && event.node === 'new') break;
    }
    await expectRefusals('r', 1);
    const { causes } = await orchestrator.runs.why('r', 'old');
    expect(causes.map(({ code }) => code)).toEqual(['waits-for-slot', 'version-missing']);
    await orchestrator.close();
    await open({ work: versions({ '2': () => 'by 2' }) });
    await expectRefusals('r', 2);
    await orchestrator.close();
    await open({ work: versions({ '1': () => 'by 1', '2': () => 'by 2' }) });
    expect((await orchestrator.result('r')).outputs).toMatchObject({ old: 'by 1', new: 'by 2' });
  });

  async function expectRefusals(id: string, count: number): Promise<void> {
    const events = await orchestrator.runs.events(id);
    const refused = events.filter(({ type }) => type === 'attempt.refused');
    expect(refused).toHaveLength(count);
    expect(refused.at(-1)).toMatchObject({ node: 'old', detail: { handler: 'work@1' } });
  }

  it('S13 S239 a worker without the version is refused with one event, and one that has it gets the work', async () => {
    const kernel = new Outside();
    await kernel.start(plan([far('a', { handler: 'far@2' })]));
    await kernel.settle();
    for (let poll = 0; poll < 3; poll++) {
      expect(await kernel.claim('w1', 1, [{ name: 'far', version: '1' }])).toEqual([]);
    }
    expect(await kernel.claim('w2', 1, ['far'])).toEqual([]);
    expect(kernel.details('attempt.refused')).toEqual([
      { handler: 'far@2', worker: 'w1', versions: ['1'] },
      { handler: 'far@2', worker: 'w2', versions: [] },
    ]);
    const both = await kernel.claimOne('w3', { name: 'far', version: '2' });
    await kernel.complete(both, 'done');
    expect(kernel.status()).toBe('completed');
    await open({});
  });

  it('S239 work without a version is for workers of any', async () => {
    const kernel = new Outside();
    await kernel.start(plan([far('a'), action('b')], chain('a', 'b')));
    await kernel.settle();
    await kernel.advance(LEASE_MS);
    expect(await kernel.claimOne('w1', { name: 'far', version: '7' })).toMatchObject({ node: 'a' });
    await open({});
  });
});
