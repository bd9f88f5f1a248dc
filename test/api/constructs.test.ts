import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator, type Orchestrator, plan } from '../../src/index.js';
import { temporaryDatabase } from '../support/temporary.js';

async function open(handlers: Record<string, () => unknown>): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

describe('a result', () => {
  it('S124 counts failed attempts and failed nodes apart', async () => {
    let tries = 0;
    const flaky = () => {
      tries += 1;
      if (tries < 3) throw new Error('not yet');
      return tries;
    };
    const orchestrator = await open({
      flaky,
      broken: () => {
        throw new Error('never');
      },
    });
    const counted = plan('Counts')
      .action('a', { handler: 'flaky', retry: { maxAttempts: 3 } })
      .action('b', { handler: 'broken', onFailure: 'continue' })
      .build();
    const run = await orchestrator.start(counted);
    const result = await run.result();
    expect(result.status).toBe('partial');
    expect(result.failureCount).toEqual({ attempts: 3, nodes: 1 });
  });
});

describe('every construct on a real file', () => {
  it('S6 S142 S143 S148 S219 is built, run, and read back from another process', async () => {
    const orchestrator = await open({
      double: ((n: number) => n * 2) as never,
      list: () => [1, 2, 3],
      count: (({ previous }: { previous?: { count: number } }) =>
        (previous?.count ?? 0) + 1) as never,
    });
    const child = plan('Child').action('twice', { handler: 'list' }).build();
    const all = plan('All of it')
      .plan('child', child)
      .action('items', { handler: 'list' })
      .map('each', { handler: 'double', concurrency: 2 })
      .loop('repeat', { maxIterations: 3 }, (body) => body.action('count', { handler: 'count' }))
      .subplan('sub', { plan: 'child' })
      .sleep('nap', { duration: 5 })
      .signal('go')
      .sequence('items', 'each', 'repeat', 'sub', 'nap', 'go')
      .build();
    const run = await orchestrator.start(all, { id: 'all' });
    await orchestrator.signal('all', 'go', { payload: { by: 'test' }, id: 'go-1' });
    const result = await run.result();
    expect(result.status).toBe('completed');
    expect(result.outputs).toMatchObject({
      each: [2, 4, 6],
      repeat: { exit: 'max', iterations: 3, last: { count: 3 } },
      sub: { twice: [1, 2, 3] },
      go: { by: 'test' },
    });
    const inside = async (scope: string) =>
      (await orchestrator.runs.nodeRuns('all', { scope })).map(({ node, output }) => [
        node,
        output,
      ]);
    expect(await inside('repeat[2]')).toEqual([['repeat[2]/count', 2]]);
    expect(await inside('each[]')).toEqual([
      ['each[0]', 2],
      ['each[1]', 4],
      ['each[2]', 6],
    ]);
    const details = await orchestrator.runs.details('all');
    expect(details.nodes.map(({ node, status }) => `${node} ${status}`)).toEqual(
      ['items', 'each', 'repeat', 'sub', 'nap', 'go'].map((node) => `${node} completed`),
    );
    expect((await orchestrator.runs.list()).map(({ id }) => id)).toHaveLength(2);
  });

  it('S59 S148 a subplan whose input does not fit fails its node alone', async () => {
    const orchestrator = await open({ list: () => [1] });
    const child = plan('Child', { inputs: { type: 'object' } })
      .action('a', { handler: 'list' })
      .build();
    const parent = plan('Parent')
      .plan('child', child)
      .action('list', { handler: 'list' })
      .subplan('sub', { plan: 'child', onFailure: 'skip' })
      .sequence('list', 'sub')
      .build();
    const run = await orchestrator.start(parent);
    const { status } = await run.result();
    expect(status).toBe('completed');
    const events = (await orchestrator.runs.events(run.id)).filter(({ node }) => node === 'sub');
    expect(events.at(-1)).toMatchObject({
      type: 'node.skipped',
      detail: { reason: { code: 'input-invalid' } },
    });
  });
});
