import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernel, type KernelOptions } from '../support/kernel.js';
import { action, chain, edge, plan } from '../support/plans.js';

const LARGE = 'x'.repeat(200);
const small: KernelOptions = { inlinePayloadBytes: 100, maxPayloadBytes: 1_000 };

const report = (payload: unknown, more: object = {}) => ({
  name: 'report',
  kind: 'markdown',
  payload,
  ...more,
});
const producing = (...artifacts: object[]) => ({ ok: true, output: {}, artifacts });
const failing = (...artifacts: object[]) => ({ ok: false, error: 'no', artifacts });

/** A node that produces, and one whose condition reads what it produced. */
async function produced(more: object = {}, options: KernelOptions = {}): Promise<Kernel> {
  const kernel = new Kernel(options);
  const when = 'nodes.make.artifacts.report.payload == "good"';
  const version = plan([action('make', more), action('read')], [edge('make', 'read', { when })]);
  await kernel.start(version);
  await kernel.settle();
  return kernel;
}

const rows = (kernel: Kernel) => kernel.rows().artifacts;
const standings = (kernel: Kernel) =>
  rows(kernel).map(({ name, version, attempt, standing }) => [name, version, attempt, standing]);

describe('an artifact', () => {
  it('S94 S96 has name, kind, pointer, schema, payload, version, and the attempt that made it', async () => {
    const schema = { type: 'string' };
    const kernel = await produced({
      deliverables: [{ name: 'report', kind: 'markdown', schema }],
    });
    await kernel.finish('make', producing(report('good', { pointer: 'file:r.md' })));
    expect(rows(kernel)).toEqual([
      expect.objectContaining({
        name: 'report',
        kind: 'markdown',
        version: 1,
        pointer: 'file:r.md',
        payloadJson: '"good"',
        schemaJson: JSON.stringify(schema),
        node: 'make',
        generation: 1,
        attempt: 1,
        standing: 'accepted',
        digest: null,
        bytes: null,
      }),
    ]);
  });

  it('S95 of a failed attempt is kept, and nothing downstream sees it', async () => {
    const kernel = await produced({ retry: { maxAttempts: 2 } });
    await kernel.finish('make', failing(report('good')));
    expect(standings(kernel)).toEqual([['report', 1, 1, 'rejected']]);
    await kernel.finish('make', producing(report('other')));
    expect(standings(kernel)).toEqual([
      ['report', 1, 1, 'rejected'],
      ['report', 2, 2, 'accepted'],
    ]);
    expect(kernel.summary().nodes.read).toBe('skipped');
    expect(kernel.details('artifact.stored')).toEqual([
      { name: 'report', kind: 'markdown', version: 1, standing: 'rejected' },
      { name: 'report', kind: 'markdown', version: 2 },
    ]);
  });

  it('S95 S103 of a result that was refused is rejected, and its output is nobody’s', async () => {
    const kernel = await produced({ outputSchema: { type: 'string' }, onFailure: 'continue' });
    await kernel.finish('make', producing(report('good')));
    expect(standings(kernel)).toEqual([['report', 1, 1, 'rejected']]);
    expect(kernel.summary().outputs).toEqual({});
  });

  it('S95 S96 is the newest accepted one of its node, after a restart too', async () => {
    const kernel = new Kernel();
    const when =
      'nodes.a.artifacts.report.payload == "a" && nodes.b.artifacts.report.payload == "b2"';
    const version = plan(
      [action('a'), action('b', { retry: { maxAttempts: 2 } }), action('c'), action('d')],
      [...chain('a', 'b', 'c'), edge('c', 'd', { when })],
    );
    await kernel.start(version);
    await kernel.settle();
    await kernel.finish('a', producing(report('a')));
    await kernel.finish('b', failing(report('b1')));
    await kernel.restart();
    await kernel.finish('b', producing(report('first'), report('b2')));
    await kernel.restart();
    await kernel.finish('c', 1);
    expect(kernel.working()).toEqual(['d']);
    expect(rows(kernel).map(({ version: number }) => number)).toEqual([1, 2, 3, 4]);
  });

  it('S95 S117 of an earlier generation is seen no more', async () => {
    const kernel = new Kernel();
    const version = plan(
      [
        action('make'),
        action('try', {
          onFailure: 'backtrack',
          backtrack: { to: 'make' },
        }),
        action('read'),
      ],
      [...chain('make', 'try'), edge('try', 'read', { when: 'has(nodes.make.artifacts.report)' })],
    );
    await kernel.start(version);
    await kernel.settle();
    await kernel.finish('make', producing(report('good')));
    await kernel.fail('try');
    await kernel.restart();
    await kernel.finish('make', {});
    await kernel.finish('try', {});
    expect(kernel.log('r1', /edge.evaluated/)).toHaveLength(1);
    expect(kernel.details('edge.evaluated')).toMatchObject([{ result: null }]);
    expect(rows(kernel)).toMatchObject([{ generation: 1, standing: 'accepted' }]);
  });

  it('S95 S96 every sequence of attempts gives versions without a gap, one of them accepted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (counts, restarts) => {
          const kernel = await produced({ retry: { maxAttempts: counts.length } });
          for (const [index, count] of counts.entries()) {
            if (restarts && index > 0) await kernel.restart();
            const artifacts = Array.from({ length: count }, () => report(`${index}`));
            const isLast = index === counts.length - 1;
            await kernel.finish('make', (isLast ? producing : failing)(...artifacts));
          }
          const all = rows(kernel);
          expect(all.map(({ version }) => version)).toEqual(all.map((_, index) => index + 1));
          const accepted = all.filter(({ standing }) => standing === 'accepted');
          expect(accepted).toHaveLength(counts.at(-1) ?? 0);
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe('the schema of a deliverable', () => {
  const schemas = { Brief: { type: 'object', required: ['title'] } };
  const node = {
    deliverables: [{ name: 'report', kind: 'markdown', schema: 'Brief' }],
    onFailure: 'continue',
  };

  it('S98 refuses a payload that does not fit, with its place', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('make', node)], [], { schemas }));
    await kernel.settle();
    await kernel.finish('make', producing({ name: 'x', kind: 'y' }, report({ name: 1 })));
    expect(kernel.details('attempt.failed')).toMatchObject([
      { class: 'deliverable', code: 'artifact-schema-mismatch' },
    ]);
    expect(kernel.details('validation.reported')).toMatchObject([
      { issues: [{ path: expect.stringMatching(/^\/artifacts\/1\/payload/) }] },
    ]);
    expect(rows(kernel)[1]?.schemaJson).toBe('{"required":["title"],"type":"object"}');
  });

  it('S98 has the kind that is asked for, each of its name', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('make', node)], [], { schemas }));
    await kernel.settle();
    const other = { ...report({ title: 'x' }), kind: 'picture' };
    await kernel.finish('make', producing(report({ title: 'x' }), other));
    expect(kernel.details('attempt.failed')).toMatchObject([{ code: 'deliverable-missing' }]);
    expect(rows(kernel).map(({ standing }) => standing)).toEqual(['rejected', 'rejected']);
  });

  it('S98 is asked of payloads that are too large for a row, too', async () => {
    const kernel = new Kernel(small);
    await kernel.start(plan([action('make', node)], [], { schemas }));
    await kernel.settle();
    await kernel.finish('make', producing(report({ name: LARGE })));
    expect(kernel.details('attempt.failed')).toMatchObject([{ code: 'artifact-schema-mismatch' }]);
    expect(rows(kernel)).toMatchObject([{ standing: 'rejected', payloadJson: null }]);
  });

  it('S98 S25 is one of the plan’s, or none', () => {
    const draft = () =>
      plan([action('make', { deliverables: [{ name: 'a', kind: 'b', schema: 'Nope' }] })]);
    expect(draft).toThrow(/unknown-schema/);
  });
});

describe('a payload that is too large for a row', () => {
  const digest = createHash('sha256').update(JSON.stringify(LARGE)).digest('hex');

  it('S97 is durable outside before its turn is', async () => {
    const kernel = await produced({}, small);
    kernel.storage.isHeld = true;
    await kernel.finish('make', producing(report(LARGE), report('good')));
    expect(kernel.storage.artifacts.texts.get(digest)).toBe(JSON.stringify(LARGE));
    expect(rows(kernel)).toEqual([]);
    kernel.storage.flush();
    kernel.storage.isHeld = false;
    await kernel.settle();
    expect(rows(kernel)).toMatchObject([
      { pointer: `file:sha256:${digest}`, digest, bytes: 202, payloadJson: null },
      { pointer: null, digest: null, bytes: null, payloadJson: '"good"' },
    ]);
    expect(kernel.working()).toEqual(['read']);
  });

  it('S97 is tried again where it could not be kept, and the work is not', async () => {
    const kernel = await produced({ retry: { maxAttempts: 3 } }, small);
    kernel.storage.artifacts.failures = 3;
    await kernel.finish('make', producing(report(LARGE)));
    expect(rows(kernel)).toEqual([]);
    await kernel.advance(1_000);
    expect(rows(kernel)).toMatchObject([{ digest, standing: 'accepted' }]);
    expect(kernel.executions).toHaveLength(1);
    expect(kernel.storage.artifacts.puts).toBe(4);
  });

  it('S97 that can never be kept fails the node, and its work is not done again', async () => {
    const kernel = await produced({ retry: { maxAttempts: 3 }, onFailure: 'continue' }, small);
    kernel.storage.artifacts.failures = 100;
    await kernel.finish('make', producing(report(LARGE)));
    await kernel.advance(10_000);
    expect(kernel.details('attempt.failed')).toMatchObject([
      { class: 'artifact', code: 'artifact-not-stored', retryable: false },
    ]);
    expect(kernel.storage.artifacts.puts).toBe(5);
    expect(kernel.executions).toHaveLength(1);
    const [attempt] = kernel.rows().attempts.values();
    expect(attempt?.outputJson).toBe('{}');
    expect(rows(kernel)).toMatchObject([{ standing: 'rejected', digest: null, bytes: 202 }]);
  });

  it('S97 that is larger than an artifact may be is refused by name, once', async () => {
    const kernel = await produced({ retry: { maxAttempts: 3 }, onFailure: 'continue' }, small);
    await kernel.finish('make', producing(report(LARGE.repeat(6))));
    expect(kernel.details('attempt.failed')).toMatchObject([
      { class: 'artifact', code: 'artifact-too-large', retryable: false },
    ]);
    expect(kernel.storage.artifacts.puts).toBe(0);
  });

  it('S97 goes with a turn that is void and comes again, without the work', async () => {
    const kernel = await produced({}, small);
    let isToFail = true;
    kernel.storage.failWhen(({ reason }) => {
      if (reason !== 'attempt.result' || !isToFail) return undefined;
      isToFail = false;
      return 'turn-refused';
    });
    await kernel.finish('make', producing(report(LARGE)));
    await kernel.advance(2_000);
    expect(rows(kernel)).toMatchObject([{ digest, version: 1 }]);
    expect(kernel.executions).toHaveLength(1);
  });

  it('S45 S97 stays where the value is an output and no result record', async () => {
    const kernel = await produced({}, small);
    const output = { artifacts: [report(LARGE)] };
    await kernel.finish('make', output);
    expect(kernel.summary().outputs.make).toEqual(output);
    expect(kernel.storage.artifacts.puts).toBe(0);
  });

  it('S50 S97 runs no getter, and a trap of a proxy is a failure of the node alone', async () => {
    const kernel = await produced({ onFailure: 'continue' }, small);
    const trap = new Proxy(
      {},
      {
        getOwnPropertyDescriptor() {
          throw new Error('trapped');
        },
        ownKeys: () => ['ok', 'artifacts'],
      },
    );
    await kernel.finish('make', trap);
    expect(kernel.details('attempt.failed')).toMatchObject([{ class: 'not-json' }]);
  });

  it('S97 is read by what follows, through its pointer, and believed only where it is whole', async () => {
    const kernel = await produced({}, { ...small });
    await kernel.finish('make', producing(report(LARGE), report('good')));
    const { context } = kernel.attempt('read');
    const [large] = rows(kernel);
    expect(await context.payload(large?.pointer ?? '')).toBe(LARGE);
    kernel.storage.artifacts.texts.set(digest, '"damaged"');
    const read = context.payload(`file:sha256:${digest}`);
    await expect(read).rejects.toMatchObject({ code: 'artifact-corrupt' });
    const other = context.payload('https://example.org');
    await expect(other).rejects.toMatchObject({ code: 'argument-invalid' });
  });
});
