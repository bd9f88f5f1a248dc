import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, edge, plan } from '../support/plans.js';
import { presented } from './asking.js';

const OUTPUT = { type: 'object', required: ['v'], properties: { v: { type: 'integer' } } };

async function failing(result: unknown, more: object = {}): Promise<Kernel> {
  const kernel = new Kernel();
  const settings = { outputSchema: OUTPUT, onFailure: 'human-review', ...more };
  await kernel.start(plan([action('a', settings), action('after')], [edge('a', 'after')]));
  await kernel.finish('a', result);
  return kernel;
}

describe('a review of work that failed', () => {
  const deliverables = [{ name: 'report', kind: 'text', schema: { type: 'string' } }];
  const result = {
    ok: true,
    output: { v: 'one' },
    artifacts: [{ name: 'report', kind: 'text', payload: 7 }],
  };

  it('S135 shows what was given, and every issue of it', async () => {
    const kernel = await failing(result, { deliverables });
    expect(presented(kernel, 'a')).toMatchObject({
      output: { v: 'one' },
      artifacts: [{ name: 'report', kind: 'text', payload: 7 }],
      issues: [{ path: '/v' }, { code: 'artifact-schema-mismatch' }],
    });
  });

  it('S135 is accepted with output and artifacts edited, as good as the work should have been', async () => {
    const kernel = await failing(result, { deliverables });
    await expect(kernel.respond('a', { decision: 'accept' })).rejects.toMatchObject({
      issues: [{ path: '/output/v' }, { path: '/artifacts/0/payload' }],
    });
    await expect(
      kernel.respond('a', { decision: 'accept', artifacts: [{ name: 'report' }] }),
    ).rejects.toMatchObject({ issues: [{ path: '/artifacts' }] });
    const artifacts = [{ name: 'report', kind: 'text', payload: 'seven' }];
    await kernel.respond('a', { decision: 'accept', output: { v: 1 }, artifacts });
    await kernel.settle();
    expect(kernel.summary()).toMatchObject({
      nodes: { a: 'completed', after: 'running' },
      outputs: { a: { v: 1 } },
    });
    expect(kernel.rows().artifacts).toMatchObject([
      { version: 1, standing: 'rejected', payloadJson: '7' },
      { version: 2, standing: 'accepted', payloadJson: '"seven"' },
    ]);
  });

  it('S135 takes over what was good of it', async () => {
    const kernel = await failing({ ...result, output: { v: 1 } }, { deliverables });
    const artifacts = [{ name: 'report', kind: 'text', payload: 'seven' }];
    await kernel.respond('a', { decision: 'accept', artifacts });
    await kernel.settle();
    expect(kernel.summary().outputs.a).toEqual({ v: 1 });
  });

  it('S135 S101 makes a check that does not hold a warning where it is accepted', async () => {
    const checks = [{ name: 'small', when: 'output.v < 5' }];
    const kernel = await failing({ v: 7 }, { checks });
    expect(presented(kernel, 'a').issues).toMatchObject([{ code: 'check-unfulfilled' }]);
    await kernel.respond('a', { decision: 'accept' });
    await kernel.settle();
    expect(kernel.summary()).toMatchObject({ nodes: { a: 'partial' }, outputs: { a: { v: 7 } } });
  });

  it('S135 S204 tells the next try what was asked for', async () => {
    const kernel = await failing({ v: 'one' });
    await kernel.respond('a', { decision: 'retry', comments: 'an integer, please' }, 'ann');
    await kernel.settle();
    expect(kernel.attempt('a').context.feedback).toMatchObject([
      { node: 'a', outcome: 'retry', responder: 'ann', comments: 'an integer, please' },
    ]);
    await kernel.finish('a', { v: 'two' });
    expect(presented(kernel, 'a').history).toMatchObject([{ outcome: 'retry' }]);
  });
});
