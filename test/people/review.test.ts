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

describe('a review that begins after a delay', () => {
  const deliverables = [{ name: 'report', kind: 'text', schema: { type: 'string' } }];
  const artifacts = [
    { name: 'report', kind: 'text', payload: 7 },
    { name: 'log', kind: 'text', payload: 'x'.repeat(300) },
  ];

  /** The work has failed, and the delay of the level is over, in the process that it was in or another one. */
  async function delayed(escalation: readonly object[], stops: boolean): Promise<Kernel> {
    const kernel = new Kernel({ inlinePayloadBytes: 100 });
    const settings = { outputSchema: OUTPUT, onFailure: 'escalate', escalation, deliverables };
    await kernel.start(plan([action('a', settings), action('after')], [edge('a', 'after')]));
    await kernel.finish('a', { ok: true, output: { v: 'one' }, artifacts });
    if (stops) await kernel.restart();
    await kernel.advance(1_001);
    return kernel;
  }

  it.each([false, true])(
    'S118 S135 shows what was refused before it, and takes it edited, over a restart: %s',
    async (stops) => {
      const kernel = await delayed([{ responders: ['boss'], delayMs: 1_000 }], stops);
      expect(presented(kernel, 'a')).toMatchObject({
        output: { v: 'one' },
        artifacts: [
          { name: 'report', payload: 7 },
          { name: 'log', digest: expect.any(String), bytes: 302 },
        ],
        issues: [
          { path: '/v' },
          { code: 'artifact-schema-mismatch', path: '/artifacts/0/payload' },
        ],
      });
      expect(presented(kernel, 'a').artifacts).not.toHaveProperty('1.payload');
      await expect(kernel.respond('a', { decision: 'accept' }, 'boss')).rejects.toMatchObject({
        issues: [{ path: '/output/v' }, { path: '/artifacts/0/payload' }],
      });
      const mended = [{ name: 'report', kind: 'text', payload: 'seven' }];
      const answer = { decision: 'accept', output: { v: 1 }, artifacts: mended };
      await kernel.respond('a', answer, 'boss');
      await kernel.settle();
      expect(kernel.summary()).toMatchObject({
        nodes: { a: 'completed' },
        outputs: { a: { v: 1 } },
      });
      const accepted = kernel.rows().artifacts.filter(({ standing }) => standing === 'accepted');
      expect(accepted).toMatchObject([{ name: 'log', bytes: 302 }, { name: 'report' }]);
      expect(kernel.rows().timers.size).toBe(0);
    },
  );

  it.each([false, true])(
    'S118 S135 shows it to the second level too, which comes later still: %s',
    async (stops) => {
      const escalation = [
        { responders: ['ann'], delayMs: 1_000, deadlineMs: 1_000 },
        { responders: ['boss'], delayMs: 1_000 },
      ];
      const kernel = await delayed(escalation, stops);
      const first = presented(kernel, 'a');
      await kernel.advance(1_001);
      if (stops) await kernel.restart();
      await kernel.advance(1_001);
      expect(kernel.openTasks()).toMatchObject([{ level: 2 }]);
      expect(presented(kernel, 'a')).toMatchObject({
        output: first.output,
        artifacts: first.artifacts,
      });
    },
  );

  it('S118 brings nothing to a level that works', async () => {
    const kernel = new Kernel();
    const escalation = [{ handler: 'work', delayMs: 1_000 }];
    await kernel.start(
      plan([action('a', { outputSchema: OUTPUT, onFailure: 'escalate', escalation })]),
    );
    await kernel.finish('a', { v: 'one' });
    expect([...kernel.rows().timers.values()]).toMatchObject([
      { kind: 'escalation', refusedJson: null },
    ]);
  });
});

describe('work whose process stops too often', () => {
  const killed = { retry: { maxInterruptions: 1 } };

  async function stopped(more: object, result?: unknown): Promise<Kernel> {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { ...killed, ...more })]));
    await kernel.settle();
    if (result !== undefined) await kernel.finish('a', result);
    await kernel.restart();
    await kernel.restart();
    return kernel;
  }

  it('S112 S135 is put to a reviewer where its policy says so', async () => {
    const kernel = await stopped({ onFailure: { interrupted: 'human-review' } });
    expect(presented(kernel, 'a').failure).toMatchObject({ class: 'interrupted' });
    await kernel.respond('a', { decision: 'accept', output: 1 });
    await kernel.settle();
    expect(kernel.summary().outputs).toEqual({ a: 1 });
  });

  it('S112 S114 falls back, and the fallback has no further fallback', async () => {
    const kernel = await stopped({ onFailure: 'fallback', fallback: { handler: 'work' } });
    expect(kernel.attempt('a').input).toMatchObject({ error: { class: 'interrupted' } });
    await kernel.restart();
    expect(kernel.summary().nodes.a).toBe('failed');
  });

  it('S112 S234 S135 while it is checked is put to a reviewer with what it gave', async () => {
    const checks = [{ name: 'judged', handler: 'work' }];
    const kernel = await stopped({ onFailure: 'human-review', checks }, { v: 1 });
    expect(presented(kernel, 'a')).toMatchObject({ output: { v: 1 } });
    expect([...kernel.rows().attempts.values()]).toMatchObject([
      { outcome: 'interrupted', outputJson: '{"v":1}' },
    ]);
    await kernel.respond('a', { decision: 'accept' });
    await kernel.settle();
    expect(kernel.summary().outputs).toEqual({ a: { v: 1 } });
  });

  it('S112 S234 while it is checked falls back, and no timer of the check is left behind', async () => {
    const artifacts = [{ name: 'd', kind: 'text', payload: 'x' }];
    const checks = [{ name: 'judged', handler: 'work', timeoutMs: 5_000 }];
    const more = { onFailure: 'fallback', fallback: { handler: 'work' }, checks };
    const kernel = await stopped(more, { ok: true, output: 1, artifacts });
    expect(kernel.rows().timers.size).toBe(0);
    expect(kernel.rows().artifacts).toMatchObject([{ attempt: 1, standing: 'rejected' }]);
    await kernel.finish('a', 2);
    await kernel.finish('a', true);
    expect(kernel.summary().outputs).toEqual({ a: 2 });
    expect([...kernel.rows().attempts.values()]).toMatchObject([
      { outcome: 'interrupted' },
      { outcome: 'completed' },
    ]);
  });
});
