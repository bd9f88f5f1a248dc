/** Processes and workers without the version that is needed: nothing fails for it, and nothing goes on unseen. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LocalHandler } from '../../src/actors/handlers.js';
import { createOrchestrator, type Orchestrator, versions } from '../../src/index.js';
import { Kernel } from '../support/kernel.js';
import { action, approval, chain, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';
import { far, Outside } from './support/outside.js';

/** A program that has one version of the handler `other`. */
const has = (version: string, other: LocalHandler = () => true) => ({
  other: versions({ [version]: other }),
});
const REFUSED = { handler: 'other@1', worker: 'worker' };
const judged = (more: object = {}) => ({ checks: [{ name: 'ok', handler: 'other@1', ...more }] });

describe('a check', () => {
  it.each(['blocking', 'warning'] as const)(
    'S13 of work that is %s waits without a slot for a process with its version, and the work is not done again',
    async (severity) => {
      const kernel = new Kernel({ handlers: has('1', () => new Promise(() => {})) });
      await kernel.start(plan([action('a', judged({ severity })), action('b')]), {
        concurrency: 1,
      });
      await kernel.settle();
      await kernel.finish('a', 'made');
      expect(kernel.log('r1', /check/)).toEqual(['node.checking a#1']);
      // Its process stops while it judges, and the next one has another version.
      await kernel.restart({ handlers: has('2') });
      expect(kernel.details('attempt.refused')).toEqual([REFUSED]);
      expect(kernel.working()).toEqual(['b']);
      await kernel.finish('b');
      expect(kernel.status()).toBe('running');
      await kernel.restart();
      expect(kernel.details('attempt.refused')).toEqual([REFUSED, REFUSED]);
      await kernel.restart({ handlers: has('1') });
      expect(kernel.summary()).toMatchObject({ status: 'completed', outputs: { a: 'made' } });
      expect(kernel.executions).toEqual(['r1/a/1/1', 'r1/b/1/1']);
    },
  );

  it('S13 that comes to its turn where its version is missing gives back the slot of the work', async () => {
    const kernel = new Kernel({ handlers: has('1') });
    const nodes = [action('go'), action('a', judged()), action('b')];
    await kernel.start(plan(nodes, [...chain('go', 'a'), ...chain('go', 'b')]), { concurrency: 1 });
    await kernel.settle();
    await kernel.restart({ handlers: has('2') });
    await kernel.finish('go');
    await kernel.finish('a', 'made');
    expect(kernel.working()).toEqual(['b']);
    expect(kernel.details('check.failed')).toEqual([]);
    await kernel.send({ type: 'run.cancel', reason: null, by: null });
    await kernel.finish('b');
    expect(kernel.status()).toBe('cancelled');
  });

  it('S13 of an answer waits likewise, and nobody is asked again', async () => {
    const kernel = new Kernel({ handlers: has('1') });
    await kernel.start(plan([approval('a', judged())]));
    await kernel.settle();
    await kernel.restart({ handlers: has('2') });
    await kernel.respond('a', { approved: true });
    await kernel.settle();
    expect(kernel.details('attempt.refused')).toEqual([REFUSED]);
    expect(kernel.openTasks()).toEqual([]);
    await kernel.restart({ handlers: has('1') });
    expect(kernel.status()).toBe('completed');
  });
});

describe('an orchestrator', () => {
  let orchestrator: Orchestrator;
  let url: string;
  beforeEach(() => {
    url = temporaryDatabase();
  });
  afterEach(() => orchestrator.close());
  const open = async (version: string) => {
    await orchestrator?.close();
    orchestrator = await createOrchestrator({ url, handlers: has(version, () => `by ${version}`) });
  };

  it('S13 starts a subplan whose version it lacks: its node waits, and no node fails', async () => {
    const nodes = [
      { kind: 'signal', id: 'go' },
      { kind: 'subplan', id: 'sub', plan: 'inner' },
    ];
    const inner = { title: 'Inner', nodes: [action('deep', { handler: 'other@1' })], edges: [] };
    const { plan: draft } = plan(nodes, chain('go', 'sub'), { plans: { inner } });
    await open('1');
    await orchestrator.start(draft, { id: 'r' });
    await open('2');
    await orchestrator.signal('r', 'go');
    let child = '';
    for await (const { type, detail } of orchestrator.events('r')) {
      if (type !== 'child.changed') continue;
      child = String(detail.child);
      break;
    }
    const refused = (await orchestrator.runs.events(child)).find(({ type }) =>
      /refused/.test(type),
    );
    expect(refused).toMatchObject({ node: 'deep', detail: { handler: 'other@1' } });
    await open('1');
    expect((await orchestrator.result('r')).outputs).toMatchObject({ sub: { deep: 'by 1' } });
  });

  it('S13 says why a check waits', async () => {
    const nodes = [{ kind: 'signal', id: 'go' }, action('a', { ...judged(), handler: 'other' })];
    await open('1');
    await orchestrator.start(plan(nodes, chain('go', 'a')).plan, { id: 'r' });
    await open('2');
    await orchestrator.signal('r', 'go');
    for await (const { type } of orchestrator.events('r')) if (type === 'attempt.refused') break;
    const { causes } = await orchestrator.runs.why('r', 'a');
    expect(causes.map(({ code }) => code)).toEqual(['waits-for-slot', 'version-missing']);
  });
});

describe('what is refused', () => {
  const needs = (id: string) => action(id, { handler: 'other@1' });

  it('S13 is told although the turn that told it was void', async () => {
    const kernel = new Kernel({ handlers: has('1') });
    await kernel.start(plan([action('go'), needs('a')], chain('go', 'a')));
    await kernel.settle();
    await kernel.restart({ handlers: has('2') });
    const failTwice = () => {
      let voids = 2;
      kernel.storage.failWhen(() => (voids-- > 0 ? 'storage-unavailable' : undefined));
    };
    failTwice();
    await kernel.finish('go');
    await kernel.advance(5_000);
    expect(kernel.log('r1', /refused/)).toEqual(['attempt.refused a']);
    await kernel.restart({ handlers: has('3'), recover: false });
    failTwice();
    const recovered = kernel.supervisor.recover();
    await kernel.settle();
    await kernel.advance(5_000);
    await recovered;
    expect(kernel.log('r1', /refused/)).toEqual(['attempt.refused a', 'attempt.refused a']);
  });

  it('S13 is told once, however much there is of it and whatever happens then', async () => {
    const kernel = new Kernel({ handlers: has('1'), isUnchecked: true, concurrency: 20_000 });
    const items = { kind: 'map', id: 'm', items: 'inputs.list', handler: 'other@1' };
    const nodes = [action('go'), items, { kind: 'signal', id: 's' }];
    const list = Array.from({ length: 10_100 }, (_, i) => i);
    const version = plan(nodes, chain('go', 'm'));
    await kernel.start(version, { input: { list }, concurrency: 20_000 });
    await kernel.settle();
    await kernel.restart({ handlers: has('2') });
    await kernel.finish('go');
    await kernel.send({ type: 'run.annotate', metadata: { a: 1 }, by: null });
    await kernel.settle();
    expect(kernel.log('r1', /refused/)).toHaveLength(list.length);
  });
});

describe('a worker that waits', () => {
  const needs = (version: string) => plan([far('a', { handler: `far@${version}` })]);
  const ask = (kernel: Outside, version: string) => {
    const asked: { is?: readonly { readonly run: string }[] } = {};
    const capabilities = [{ name: 'far', version }];
    void kernel.work.claim({ worker: version, capabilities, waitMs: 60_000 }).then((claims) => {
      asked.is = claims;
    });
    return asked;
  };

  it('S13 gets the work of its version at once, whoever waits longer with another one', async () => {
    const kernel = new Outside();
    const other = ask(kernel, '1');
    const right = ask(kernel, '2');
    await kernel.settle();
    await kernel.start(needs('2'));
    await kernel.settle();
    expect(right.is).toMatchObject([{ run: 'r1' }]);
    expect(other.is).toBeUndefined();
  });

  it('S13 is refused where nobody waits with the version', async () => {
    const kernel = new Outside();
    ask(kernel, '1');
    await kernel.settle();
    await kernel.start(needs('2'));
    await kernel.settle();
    expect(kernel.details('attempt.refused')).toMatchObject([{ handler: 'far@2', worker: '1' }]);
  });

  it('S13 finds the work of its version behind however much of another one', async () => {
    const kernel = new Outside();
    for (let i = 0; i < 40; i += 1) await kernel.start(needs('1'), { id: `other-${i}` });
    await kernel.start(needs('2'), { id: 'own' });
    await kernel.settle();
    expect(await kernel.claimOne('w', { name: 'far', version: '2' })).toMatchObject({ run: 'own' });
  });
});
