import { describe, expect, it } from 'vitest';
import type { HandlerContext, Handlers, JsonValue, Plan, RunEvent } from '../../src/index.js';
import { type TestRun, testKit } from '../../src/testing/index.js';
import { BEGINNING, linesOf, openExample, withNode } from './support/example.js';

const { plan, handlers } = await openExample('translation');
const LANGUAGES = ['de', 'es', 'fr', 'it', 'pt'];
const TRANSLATE = 'translation/translate';
const THIRD = 'translate[2]';

/** The greatest number of items that were at work at the same time. */
function mostAtWork(events: Iterable<RunEvent>): number {
  let now = 0;
  let most = 0;
  for (const { type, node } of events) {
    if (!node?.startsWith('translate[')) continue;
    if (type === 'node.started') now += 1;
    if (type === 'node.completed' || type === 'attempt.failed') now -= 1;
    most = Math.max(most, now);
  }
  return most;
}

/** Languages of the results of the map; null where an item failed. */
function languagesOf({ outputs }: TestRun): (string | null)[] {
  const results = outputs.translate as ({ language: string } | null)[];
  return results.map((result) => result?.language ?? null);
}

function attemptsOf({ log }: TestRun): number {
  return log.filter((event) => event.type === 'node.started' && /\[/.test(event.node ?? '')).length;
}

describe('examples/translation', () => {
  it('S53 S143 translates two at a time, gives results in the order of the items, then saves', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan);
    expect(linesOf(run.log)).toEqual([
      ...BEGINNING,
      'node.ready prepare',
      'node.started prepare#1',
      'node.completed prepare#1',
      'node.ready translate',
      'node.started translate',
      'map.started translate',
      'node.ready translate[0]',
      'node.ready translate[1]',
      'node.started translate[0]#1',
      'node.started translate[1]#1',
      'node.completed translate[0]#1',
      'node.ready translate[2]',
      'node.started translate[2]#1',
      'node.completed translate[1]#1',
      'node.ready translate[3]',
      'node.started translate[3]#1',
      'node.completed translate[2]#1',
      'node.ready translate[4]',
      'node.started translate[4]#1',
      'node.completed translate[3]#1',
      'node.completed translate[4]#1',
      'map.ended translate',
      'node.completed translate',
      'node.ready save',
      'node.started save#1',
      'artifact.stored save#1',
      'node.completed save#1',
      'run.completed running→completed',
    ]);
    expect(mostAtWork(run.log)).toBe(2);
    expect(languagesOf(run)).toEqual(LANGUAGES);
    expect(run.outputs.save).toEqual({ languages: LANGUAGES });
    expect((await kit.runs.details(run.id)).artifacts).toMatchObject([
      { name: 'translations', payload: expect.stringContaining('fr: Bonjour / Merci / À bientôt') },
    ]);
  });

  it('S143 keeps the order of the items where the first one ends last', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler(TRANSLATE, { delay: '1m', node: 'translate[0]' });
    const run = await kit.run(plan);
    expect(run.log.filter('node.completed', { node: 'translate[0]' })[0]?.seq).toBeGreaterThan(
      run.log.find('node.completed', { node: 'translate[4]' })?.seq ?? 0,
    );
    expect(mostAtWork(run.log)).toBe(2);
    expect(languagesOf(run)).toEqual(LANGUAGES);
  });

  it.each([1, 2, 3])(
    'S105 S108 S109 tries an item again after 10 and 20 ms, shortened by chance (seed %i)',
    async (seed) => {
      const kit = await testKit({ handlers, seed });
      kit.faults.handler(TRANSLATE, { node: THIRD, times: 2 });
      const run = await kit.run(plan);
      expect(run.status).toBe('completed');
      expect(attemptsOf(run)).toBe(7);
      expect(
        linesOf(run.log.filter(() => true, { node: THIRD })).filter((line) => !/^timer/.test(line)),
      ).toEqual([
        'node.ready translate[2]',
        'node.started translate[2]#1',
        'attempt.failed translate[2]#1',
        'node.retry-scheduled translate[2]#1',
        'node.retry-due translate[2]#1',
        'node.started translate[2]#2',
        'attempt.failed translate[2]#2',
        'node.retry-scheduled translate[2]#2',
        'node.retry-due translate[2]#2',
        'node.started translate[2]#3',
        'node.completed translate[2]#3',
      ]);
      const delays = run.log.filter('timer.armed').map(({ detail }) => Number(detail.delayMs));
      expect(delays).toHaveLength(2);
      for (const [index, delay] of delays.entries()) {
        const base = 10 * 2 ** index;
        expect(delay).toBeGreaterThanOrEqual(0.75 * base);
        expect(delay).toBeLessThanOrEqual(base);
      }
      const times = run.log.filter('node.started', { node: THIRD }).map(({ at }) => at);
      expect(times.slice(1).map((at, index) => at - (times[index] ?? 0))).toEqual(delays);
      expect(languagesOf(run)).toEqual(LANGUAGES);
    },
  );

  it('S32 S101 S145 saves four translations and ends partial where one item always fails', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler(TRANSLATE, { node: THIRD, times: 3, throws: new Error('no') });
    const run = await kit.run(plan);
    expect(languagesOf(run)).toEqual(['de', 'es', null, 'it', 'pt']);
    expect(run.nodes).toMatchObject({ translate: 'partial', [THIRD]: 'failed', save: 'completed' });
    expect(run.status).toBe('partial');
    expect(run.outputs.save).toEqual({ languages: ['de', 'es', 'it', 'pt'] });
    expect(linesOf(run.log.filter(/^(node\.(failed|partial)|map|run\.partial)/))).toEqual([
      'map.started translate',
      'node.failed translate[2]#3',
      'map.ended translate',
      'node.partial translate',
      'run.partial running→partial',
    ]);
    expect((await kit.runs.result(run.id)).failureCount).toEqual({ attempts: 3, nodes: 1 });
  });

  it('S107 does not try a language again for which there is no dictionary', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, { input: { languages: ['de', 'es', 'tlh', 'fr', 'it'] } });
    expect(run.status).toBe('partial');
    expect(attemptsOf(run)).toBe(5);
    expect(run.log.find('attempt.failed')).toMatchObject({
      node: THIRD,
      detail: { code: 'phrase-unknown', retryable: false },
    });
  });

  it('S113 S145 fails with the map where every item has to succeed, and saves nothing', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler(TRANSLATE, { node: THIRD, times: 3 });
    const run = await kit.run(withNode(plan, 'translate', { minSuccess: 1 }));
    expect(run.status).toBe('failed');
    expect(run.nodes).toMatchObject({ translate: 'failed', save: 'cancelled' });
    expect(run.log.filter('node.started', { node: 'save' })).toEqual([]);
    expect(linesOf(run.log).slice(-4)).toEqual([
      'map.ended translate',
      'node.failed translate',
      'nodes.cancelled',
      'run.failed running→failed',
    ]);
  });

  it.each([1, 2, 3, 5, 7])('S146 gives the same in chunks of %i', async (chunkSize) => {
    const kit = await testKit({ handlers });
    const whole = await kit.run(plan);
    const chunked = await kit.run(withNode(plan, 'translate', { chunkSize }));
    expect(chunked.status).toBe('completed');
    expect(attemptsOf(chunked)).toBe(Math.ceil(LANGUAGES.length / chunkSize));
    expect(chunked.outputs.translate).toEqual(whole.outputs.translate);
    expect(chunked.outputs.save).toEqual(whole.outputs.save);
  });

  it('S144 gives an empty list for no languages', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, { input: { languages: [] } });
    expect(run.outputs).toMatchObject({ translate: [], save: { languages: [] } });
    expect(run.status).toBe('completed');
    expect(attemptsOf(run)).toBe(0);
  });

  it('S147 S164 S166 translates no finished item again after a crash, wherever that comes', async () => {
    let afterSecond = 0;
    for (let afterCommits = 1; ; afterCommits += 1) {
      const crash = await crashed(plan, afterCommits);
      if (crash === undefined) break;
      const { run, finished, calls } = crash;
      expect(run.status, run.log.print()).toBe('completed');
      expect(languagesOf(run)).toEqual(LANGUAGES);
      for (const node of finished) expect(calls.get(node)).toHaveLength(1);
      // Five effects, told apart by their keys; an item in flight may have its own twice.
      expect(calls.size).toBe(5);
      for (const [node, keys] of calls) {
        expect(keys.length).toBeLessThanOrEqual(2);
        for (const key of keys) expect(key).toMatch(`${run.id}/${node}/1/`);
      }
      if (finished.length === 2) afterSecond += 1;
    }
    expect(afterSecond).toBeGreaterThan(0);
  });
});

/** A run with a crash; undefined where it ends before. */
async function crashed(draft: Plan, afterCommits: number) {
  /** Keys of the calls for each item. */
  const calls = new Map<string, string[]>();
  const counting: Handlers = {
    ...handlers,
    [TRANSLATE]: (page: JsonValue, { node, key }: HandlerContext) => {
      calls.set(node, [...(calls.get(node) ?? []), key]);
      return (handlers[TRANSLATE] as (page: JsonValue) => unknown)(page);
    },
  };
  const kit = await testKit({ handlers: counting });
  kit.faults.crash({ afterCommits });
  const run = await kit.run(draft);
  const recovery = run.log.find('run.recovered')?.seq;
  if (recovery === undefined) return undefined;
  const finished = run.log
    .filter('node.completed')
    .flatMap(({ seq, node }) => (seq < recovery && node?.includes('[') ? [node] : []));
  return { run, calls, finished };
}
