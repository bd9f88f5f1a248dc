import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { executorsOf } from '../../src/plan/executors.js';
import { testKit } from '../../src/testing/index.js';
import { Kernel, type KernelOptions } from '../support/kernel.js';
import { action, approval, edge, plan } from '../support/plans.js';

const judged = (more: object = {}) => ({ name: 'judged', handler: 'work', ...more });

/** A node with checks, and one after it. */
async function checked(
  checks: readonly object[],
  more: object = {},
  options: KernelOptions = {},
): Promise<Kernel> {
  const kernel = new Kernel(options);
  const version = plan(
    [action('make', { checks, ...more }), action('after')],
    [edge('make', 'after')],
  );
  await kernel.start(version);
  await kernel.settle();
  return kernel;
}

const state = (kernel: Kernel) => ({
  status: kernel.summary().nodes.make,
  output: kernel.summary().outputs.make,
});
const issues = (kernel: Kernel) =>
  kernel
    .details('validation.reported')
    .flatMap((detail) => (detail as { issues: object[] }).issues);
const attempts = (kernel: Kernel) => [...kernel.rows().attempts.values()];

describe('a check that is an expression', () => {
  const long = { name: 'long', when: 'size(output.text) > 3', message: 'Too short' };

  it('S99 S234 lets pass what it holds of', async () => {
    const kernel = await checked([long]);
    await kernel.finish('make', { text: 'long enough' });
    expect(state(kernel).status).toBe('completed');
    expect(issues(kernel)).toEqual([]);
  });

  it('S99 S103 S104 fails the attempt with class check where it is blocking', async () => {
    const kernel = await checked([long], { retry: { maxAttempts: 2, retryOn: ['check'] } });
    await kernel.finish('make', { text: 'no' });
    expect(state(kernel)).toEqual({ status: 'running', output: undefined });
    expect(kernel.details('attempt.failed')).toMatchObject([
      { class: 'check', code: 'check-unfulfilled', message: 'Too short' },
    ]);
    await kernel.finish('make', { text: 'longer' });
    expect(state(kernel)).toEqual({ status: 'completed', output: { text: 'longer' } });
  });

  it('S99 S101 makes the node partial where it is a warning, and what follows goes on', async () => {
    const kernel = await checked([{ ...long, severity: 'warning' }]);
    await kernel.finish('make', { text: 'no' });
    expect(state(kernel)).toEqual({ status: 'partial', output: { text: 'no' } });
    expect(kernel.details('node.partial')).toMatchObject([{ warnings: 1 }]);
    expect(kernel.working()).toEqual(['after']);
    expect(attempts(kernel)[0]).toMatchObject({ outcome: 'partial' });
    expect(JSON.parse(attempts(kernel)[0]?.issuesJson ?? '')).toEqual([
      {
        severity: 'warning',
        code: 'check-unfulfilled',
        message: 'Too short',
        path: '',
        node: 'make',
        detail: { check: 'long' },
      },
    ]);
    await kernel.finish('after');
    expect(kernel.status()).toBe('partial');
  });

  it('S234 sees output, input, artifacts, inputs and the node, payloads that are in files too', async () => {
    const when =
      'output.n == 1 && input.k == "v" && inputs.k == "v" && node.id == "make" && node.attempt == 1.0 ' +
      '&& artifacts.big.kind == "text" && size(artifacts.big.payload) == 300';
    const kernel = new Kernel({ inlinePayloadBytes: 100 });
    const version = plan([action('make', { checks: [{ name: 'all', when }] })]);
    await kernel.start(version, { input: { k: 'v' } });
    await kernel.settle();
    const artifacts = [{ name: 'big', kind: 'text', payload: 'x'.repeat(300) }];
    await kernel.finish('make', { ok: true, output: { n: 1 }, artifacts });
    expect(kernel.details('attempt.failed')).toEqual([]);
    expect(kernel.status()).toBe('completed');
  });

  it('S99 is not asked of an output that is not valid', async () => {
    const kernel = await checked([long], {
      outputSchema: { type: 'string' },
      onFailure: 'continue',
    });
    await kernel.finish('make', { text: 'no' });
    expect(issues(kernel)).toMatchObject([{ code: 'schema-mismatch' }]);
  });

  it('S99 that cannot be decided weighs as much as one that does not hold', async () => {
    const kernel = await checked([long], { onFailure: 'continue' });
    await kernel.finish('make', {});
    expect(issues(kernel)).toMatchObject([{ severity: 'blocking', code: 'check-errored' }]);
  });

  it.each([
    [{ name: 'a', when: 'size(output' }, /invalid-expression/],
    [{ name: 'a', when: '1 + 1' }, /invalid-expression/],
    [{ name: 'a', when: 'nodes.nope.output' }, /unknown-node-in-condition/],
    [{ name: 'a' }, /plan-invalid|Expected a check|missing/],
    [{ name: 'a', when: 'true', handler: 'work' }, /./],
  ])('S25 S99 %j is refused with its place', (check, says) => {
    expect(() => plan([action('make', { checks: [check] })])).toThrow(says);
  });

  it('S25 S99 two of one name are refused', () => {
    const twice = [long, long];
    expect(() => plan([action('make', { checks: twice })])).toThrow(/duplicate-check/);
  });
});

describe('a check of a person’s response', () => {
  async function asked(checks: readonly object[]): Promise<Kernel> {
    const kernel = new Kernel();
    await kernel.start(
      plan([approval('ask', { checks }), action('after')], [edge('ask', 'after')]),
    );
    await kernel.settle();
    return kernel;
  }
  const why = { name: 'why', when: 'has(output.comments)', message: 'Say why' };

  it('S99 S131 refuses it where it is blocking, and the task stays open', async () => {
    const kernel = await asked([why]);
    await expect(kernel.respond('ask', { approved: true })).rejects.toMatchObject({
      code: 'response-invalid',
      issues: [{ code: 'check-unfulfilled', message: 'Say why' }],
    });
    expect(kernel.openTasks()).toHaveLength(1);
    await kernel.respond('ask', { approved: true, comments: 'fine' });
    expect(kernel.summary().nodes.ask).toBe('completed');
  });

  it('S102 makes the node partial where it is a warning', async () => {
    const kernel = await asked([{ ...why, severity: 'warning' }]);
    await kernel.respond('ask', { approved: true });
    await kernel.settle();
    expect(kernel.summary().nodes).toEqual({ ask: 'partial', after: 'running' });
    expect(kernel.details('node.partial')).toMatchObject([{ warnings: 1, outcome: 'approved' }]);
    expect(issues(kernel)).toMatchObject([{ severity: 'warning', message: 'Say why' }]);
  });
});

describe('a check that is a handler', () => {
  it('S99 S234 is asked after the output was found valid, and nothing is seen before', async () => {
    const kernel = await checked([judged()]);
    await kernel.finish('make', { n: 1 });
    expect(state(kernel)).toEqual({ status: 'running', output: undefined });
    expect(kernel.log('r1', /node\./).at(-1)).toBe('node.checking make#1');
    expect(kernel.attempt('make')).toMatchObject({
      key: 'r1/make/1/1/checks/judged/1',
      input: { output: { n: 1 }, input: {}, artifacts: {} },
      context: { idempotencyKey: 'r1/make/1/1/checks/judged' },
    });
    await kernel.finish('make', true);
    expect(state(kernel)).toEqual({ status: 'completed', output: { n: 1 } });
    expect(kernel.details('check.evaluated')).toEqual([{ check: 'judged', result: true }]);
    expect(attempts(kernel)[0]).toMatchObject({ outcome: 'completed', outputJson: '{"n":1}' });
  });

  it.each([
    [false, {}, false],
    [true, {}, true],
    [{ ok: true }, {}, true],
    [{ ok: false }, {}, false],
    [{ score: 0.8 }, { threshold: 0.8 }, true],
    [{ score: 0.79 }, { threshold: 0.8 }, false],
    [{ ok: false, score: 0.9 }, { threshold: 0.8 }, false],
    [{ ok: true, score: 0.1 }, { threshold: 0.8 }, false],
  ])('S234 that says %j with %j holds: %s', async (said, more, holds) => {
    const kernel = await checked([judged(more)], { onFailure: 'continue' });
    await kernel.finish('make', 1);
    await kernel.finish('make', said);
    expect(state(kernel).status).toBe(holds ? 'completed' : 'failed');
    expect(kernel.details('check.evaluated')).toMatchObject([{ result: holds }]);
  });

  it('S234 keeps score, threshold and remarks of a judge', async () => {
    const kernel = await checked([judged({ threshold: 0.5 })], { onFailure: 'continue' });
    await kernel.finish('make', 1);
    const issues = ['dull', { message: 'wrong', path: '/a' }, 7];
    await kernel.finish('make', { score: 0.2, issues });
    const stored = JSON.parse(attempts(kernel)[0]?.issuesJson ?? '') as object[];
    expect(stored).toMatchObject([
      { detail: { check: 'judged', score: 0.2, threshold: 0.5 }, severity: 'blocking' },
      { message: 'dull', severity: 'blocking' },
      { message: 'wrong', path: '/a', severity: 'blocking' },
    ]);
    expect(stored).toHaveLength(3);
  });

  it('S101 S234 that is content and remarks on something makes the node partial', async () => {
    const kernel = await checked([judged()]);
    await kernel.finish('make', 1);
    await kernel.finish('make', { ok: true, issues: ['dull'] });
    expect(state(kernel).status).toBe('partial');
  });

  it('S99 S105 S112 that does not hold fails the attempt, and policies apply as ever', async () => {
    const kernel = await checked([judged()], {
      retry: { maxAttempts: 2 },
      onFailure: { check: 'human-review' },
    });
    for (const value of [1, false, 2, false]) await kernel.finish('make', value);
    expect(kernel.details('attempt.failed')).toMatchObject([
      { class: 'check' },
      { class: 'check' },
    ]);
    expect(state(kernel).status).toBe('awaiting-human');
    await kernel.respond('make', { decision: 'accept', output: 3 });
    await kernel.settle();
    expect(state(kernel)).toEqual({ status: 'completed', output: 3 });
  });

  it('S95 S99 that does not hold leaves the artifacts rejected', async () => {
    const kernel = await checked([judged()], { onFailure: 'continue' });
    const artifacts = [{ name: 'a', kind: 'b', payload: 1 }];
    await kernel.finish('make', { ok: true, output: 1, artifacts });
    expect(kernel.rows().artifacts).toEqual([]);
    await kernel.finish('make', false);
    expect(kernel.rows().artifacts).toMatchObject([{ standing: 'rejected', payloadJson: '1' }]);
  });

  it('S99 asks one after another, and the first blocking one ends it', async () => {
    const three = ['one', 'two', 'three'].map((name) => judged({ name }));
    const kernel = await checked(three, { onFailure: 'continue' });
    await kernel.finish('make', 1);
    await kernel.finish('make', true);
    await kernel.finish('make', false);
    expect(kernel.executions).toEqual([
      'r1/make/1/1',
      'r1/make/1/1/checks/one/1',
      'r1/make/1/1/checks/two/1',
    ]);
    expect(state(kernel).status).toBe('failed');
  });

  it('S99 is tried three times where it fails itself, and the work is not', async () => {
    const kernel = await checked([judged({ severity: 'warning' })]);
    await kernel.finish('make', 1);
    for (let i = 0; i < 3; i++) await kernel.fail('make');
    expect(kernel.details('check.failed')).toMatchObject([
      { number: 1, message: 'boom' },
      { number: 2 },
      { number: 3 },
    ]);
    expect(kernel.executions).toContain('r1/make/1/1/checks/judged/3');
    expect(kernel.executions).not.toContain('r1/make/1/2');
    expect(state(kernel)).toEqual({ status: 'partial', output: 1 });
    expect(issues(kernel)).toMatchObject([{ severity: 'warning', code: 'check-errored' }]);
  });

  it('S99 S234 that says something else, or a score without threshold, is not decided', async () => {
    const kernel = await checked([judged()], { onFailure: 'continue' });
    await kernel.finish('make', 1);
    for (const said of ['yes', { score: 1 }, { ok: 'yes' }]) await kernel.finish('make', said);
    expect(issues(kernel)).toMatchObject([{ code: 'check-errored' }]);
    expect(state(kernel).status).toBe('failed');
  });

  it('S99 S110 that takes too long is told to stop and tried again', async () => {
    const kernel = await checked([judged({ timeoutMs: 50 })], { timeoutMs: 30 });
    await kernel.finish('make', 1);
    const first = kernel.attempt('make');
    await kernel.advance(60);
    expect(first.context.signal.aborted).toBe(true);
    expect(kernel.attempt('make').key).toBe('r1/make/1/1/checks/judged/2');
    first.return(false);
    await kernel.settle();
    expect(kernel.details('check.evaluated')).toEqual([]);
    await kernel.finish('make', true);
    expect(state(kernel)).toEqual({ status: 'completed', output: 1 });
  });

  it('S97 S99 is asked again after a crash, under the same key, and the work is not done again', async () => {
    const kernel = await checked([judged({ name: 'one' }), judged({ name: 'two' })]);
    const artifacts = [{ name: 'a', kind: 'b', payload: 'p' }];
    await kernel.finish('make', {
      ok: true,
      output: { n: 1 },
      action: 'go',
      artifacts,
      notes: 'n',
    });
    await kernel.finish('make', true);
    await kernel.restart();
    expect(kernel.executions).toEqual([
      'r1/make/1/1',
      'r1/make/1/1/checks/one/1',
      'r1/make/1/1/checks/two/1',
      'r1/make/1/1/checks/two/1',
    ]);
    expect(kernel.attempt('make').input).toEqual({
      output: { n: 1 },
      input: {},
      artifacts: { a: { name: 'a', kind: 'b', pointer: null, payload: 'p' } },
    });
    await kernel.finish('make', { ok: true });
    expect(state(kernel)).toEqual({ status: 'completed', output: { n: 1 } });
    expect(kernel.rows().nodeRuns.get('make')).toMatchObject({ action: 'go', attempt: 1 });
    expect(kernel.rows().artifacts).toMatchObject([{ payloadJson: '"p"', standing: 'accepted' }]);
    expect(attempts(kernel)).toHaveLength(2);
    expect(attempts(kernel)[0]).toMatchObject({ outputJson: '{"n":1}', notesJson: '"n"' });
  });

  it('S99 S164 that stops its process again and again is given up', async () => {
    const kernel = await checked([judged()], {
      retry: { maxInterruptions: 2 },
      onFailure: 'continue',
    });
    await kernel.finish('make', 1);
    for (let i = 0; i < 3; i++) await kernel.restart();
    expect(state(kernel).status).toBe('failed');
    expect(attempts(kernel)[0]).toMatchObject({ outcome: 'interrupted', outputJson: '1' });
    expect(kernel.executions).not.toContain('r1/make/1/2');
  });

  it('S97 S99 whatever turn a process stops after, the work is done once and checked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 8 }), fc.boolean(), async (turns, isAnswerLost) => {
        const kernel = await checked([judged({ name: 'one' }), judged({ name: 'two' })]);
        await kernel.finish('make', 1);
        kernel.dieAfter(turns, isAnswerLost);
        for (let i = 0; i < 12 && kernel.status() !== 'completed'; i++) {
          if (kernel.isDead) await kernel.restart();
          const [open] = kernel.open();
          if (open !== undefined) open.return(open.key.includes('checks') ? true : 1);
          await kernel.settle();
        }
        expect(kernel.status()).toBe('completed');
        const works = kernel.executions.filter((key) => key.startsWith('r1/make/1/'));
        expect(works.filter((key) => !key.includes('checks'))).toEqual(['r1/make/1/1']);
        expect(kernel.details('check.evaluated')).toHaveLength(2);
      }),
      { numRuns: 30 },
    );
  });

  it('S52 an attempt under check takes no second result', async () => {
    const kernel = await checked([judged()]);
    await kernel.finish('make', 1);
    const again = { type: 'attempt.result', node: 'make', generation: 1, attempt: 1 } as const;
    const result = { type: 'returned', value: 2 } as const;
    await expect(kernel.send({ ...again, result })).rejects.toMatchObject({
      code: 'attempt-stale',
    });
    await kernel.finish('make', true);
    expect(state(kernel).output).toBe(1);
  });

  it('S114 S234 asks about what a fallback gives, too, and does not fall back again', async () => {
    const kernel = await checked([judged()], {
      onFailure: 'fallback',
      fallback: { handler: 'work' },
    });
    await kernel.fail('make');
    await kernel.finish('make', 'instead');
    await kernel.finish('make', false);
    expect(state(kernel).status).toBe('failed');
    expect(kernel.executions).toEqual([
      'r1/make/1/1',
      'r1/make/1/2',
      'r1/make/1/2/checks/judged/1',
    ]);
  });

  it('S152 S155 gets its signal when the run is cancelled; what was done counts, with a warning', async () => {
    const kernel = await checked([judged()]);
    await kernel.finish('make', 1);
    const check = kernel.attempt('make');
    await kernel.cancel();
    await kernel.settle();
    expect(check.context.signal.aborted).toBe(true);
    check.throw(check.context.signal.reason);
    await kernel.settle();
    expect(kernel.status()).toBe('cancelled');
    expect(state(kernel)).toEqual({ status: 'partial', output: 1 });
    expect(issues(kernel)).toMatchObject([{ severity: 'warning', code: 'check-skipped' }]);
  });

  it('S95 S117 gets its signal when the run goes back to before its node', async () => {
    const kernel = new Kernel();
    const version = plan(
      [
        action('first'),
        action('make', { checks: [judged()] }),
        action('try', { onFailure: 'backtrack', backtrack: { to: 'first' } }),
      ],
      [edge('first', 'make'), edge('first', 'try')],
    );
    await kernel.start(version);
    await kernel.settle();
    await kernel.finish('first', 1);
    await kernel.finish('make', {
      ok: true,
      output: 1,
      artifacts: [{ name: 'a', kind: 'b', payload: 1 }],
    });
    const check = kernel.attempt('make');
    await kernel.fail('try');
    expect(check.context.signal.aborted).toBe(true);
    check.return(true);
    await kernel.settle();
    expect(kernel.rows().artifacts).toMatchObject([{ standing: 'rejected', generation: 1 }]);
    await kernel.finish('first', 1);
    await kernel.finish('make', 2);
    expect(kernel.attempt('make').key).toBe('r1/make/2/1/checks/judged/1');
    await kernel.finish('make', true);
    expect(state(kernel)).toEqual({ status: 'completed', output: 2 });
    expect(kernel.details('check.evaluated')).toHaveLength(1);
  });

  it('S110 S152 that runs out of time while the run ends is not tried again', async () => {
    const kernel = await checked([judged({ timeoutMs: 50 })]);
    await kernel.finish('make', 1);
    await kernel.cancel();
    await kernel.advance(60);
    expect(kernel.status()).toBe('cancelled');
    expect(state(kernel)).toEqual({ status: 'partial', output: 1 });
    expect(kernel.executions).toHaveLength(2);
  });

  it('S123 S164 whose process stops while the run ends leaves what was done, to be undone', async () => {
    const kernel = await checked([judged()], { compensate: { handler: 'work' } });
    await kernel.finish('make', 1);
    await kernel.cancel();
    await kernel.settle();
    await kernel.restart();
    expect(state(kernel)).toEqual({ status: 'partial', output: 1 });
    expect(kernel.open().map(({ key }) => key)).toEqual(['r1/~/make/1/1']);
  });

  it('S156 is gone on with while the run is paused, and nothing after its node starts', async () => {
    const kernel = await checked([judged({ name: 'one' }), judged({ name: 'two' })]);
    await kernel.send({ type: 'run.pause' });
    await kernel.finish('make', 1);
    await kernel.finish('make', true);
    await kernel.finish('make', true);
    expect(state(kernel)).toEqual({ status: 'completed', output: 1 });
    expect(kernel.working()).toEqual([]);
    await kernel.send({ type: 'run.resume' });
    await kernel.settle();
    expect(kernel.working()).toEqual(['after']);
  });

  it('S100 S218 shows its attempt as one without an output, whose result is checked', async () => {
    const kit = await testKit({
      handlers: { make: () => 'secret', judge: () => true },
    });
    const { plan: draft } = plan([
      action('make', { handler: 'make', checks: [judged({ handler: 'judge' })] }),
    ]);
    kit.faults.handler('judge', { hangs: true });
    const run = await kit.start(draft);
    await kit.advance(0);
    const [attempt] = await kit.runs.attempts(run.id, 'make');
    expect(attempt).toMatchObject({ outcome: null, issues: [] });
    expect(attempt).not.toHaveProperty('output');
    const { lines } = await kit.runs.why(run.id, 'make');
    expect(lines.join()).toMatch(/attempt 1 has its result checked, since/);
  });

  it('S152 S153 that ignores its signal is left behind when the grace is over', async () => {
    const kernel = await checked([judged()]);
    await kernel.finish('make', 1);
    await kernel.cancel();
    await kernel.advance(2_000);
    expect(kernel.status()).toBe('cancelled');
    expect(state(kernel).status).toBe('cancelled');
    expect(attempts(kernel)[0]).toMatchObject({ outcome: 'cancelled', outputJson: '1' });
  });

  it('S8 S234 names a handler that has to be there', () => {
    const version = plan([action('make', { checks: [judged({ handler: 'judge' })] })]);
    expect([...executorsOf(version.plan).handlers].sort()).toEqual(['judge', 'work']);
  });
});
