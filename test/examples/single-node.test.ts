import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/index.js';
import { testKit } from '../../src/testing/index.js';
import { upTo } from '../support/numbers.js';
import { BEGINNING, linesOf, openExample } from './support/example.js';

const { plan, handlers } = await openExample('single-node');

describe('examples/single-node', () => {
  it('S27 S42 S46 starts the run, then the node, and ends them in the opposite order', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, { input: { payload: { n: 1 } } });
    expect(linesOf(run.log)).toEqual([
      ...BEGINNING,
      'node.ready echo',
      'node.started echo#1',
      'node.completed echo#1',
      'run.completed running→completed',
    ]);
    expect([...run.log].map(({ seq }) => seq)).toEqual(upTo(7));
    expect(run.log.find('node.completed')).toMatchObject({ node: 'echo', attempt: 1 });
  });

  it('S39 is scheduled first where it is to start later', async () => {
    const kit = await testKit({ handlers });
    const startAt = kit.clock.now() + 60_000;
    const run = await kit.run(plan, { startAt });
    expect(run.log.find('run.started')?.at).toBe(startAt);
    expect(linesOf(run.log).filter((line) => !line.startsWith('timer.'))).toEqual([
      'run.created →pending',
      'run.scheduled',
      'run.admitted pending→ready',
      'run.started ready→running',
      'node.ready echo',
      'node.started echo#1',
      'node.completed echo#1',
      'run.completed running→completed',
    ]);
  });

  it('S93 gives back the payload as it was', async () => {
    const kit = await testKit({ handlers });
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const text = JSON.stringify(value);
        // No input has a property of that name.
        fc.pre(!text.includes('"__proto__"'));
        const payload = JSON.parse(text) as JsonValue;
        const run = await kit.run(plan, { input: { payload } });
        expect(run.outputs.echo).toEqual(payload);
      }),
      { numRuns: 50 },
    );
  });

  it('S42 S113 fails with its node, and is not left running', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, { input: { error: 'no' } });
    expect(linesOf(run.log).slice(3)).toEqual([
      'node.ready echo',
      'node.started echo#1',
      'attempt.failed echo#1',
      'node.failed echo#1',
      'run.failed running→failed',
    ]);
    expect(run).toMatchObject({ status: 'failed', nodes: { echo: 'failed' } });
    expect(run.reason).toMatchObject({ message: 'no', detail: { node: 'echo' } });
  });
});
