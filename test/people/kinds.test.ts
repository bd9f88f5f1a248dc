import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/plan/json.js';
import { approvalOutcome } from '../../src/plan/responses.js';
import { Kernel } from '../support/kernel.js';
import { action, edge, plan } from '../support/plans.js';
import { answer, asked, human, presented } from './asking.js';

describe('an input', () => {
  const address = {
    type: 'object',
    required: ['street'],
    properties: { street: { type: 'string' } },
  };

  it('S125 S131 S130 takes an answer that fits its schema as its output, and is answered', async () => {
    const kernel = await asked(human('input', 'ask', { outputSchema: address }));
    expect(JSON.parse(kernel.openTasks()[0]?.responseSchemaJson ?? '')).toEqual(address);
    await expect(answer(kernel, { street: 7 })).rejects.toMatchObject({
      code: 'response-invalid',
      issues: [{ path: '/street' }],
    });
    expect(kernel.status()).toBe('awaiting-human');
    expect(await answer(kernel, { street: 'Elm' })).toMatchObject({ outcome: 'answered' });
    expect(kernel.summary().outputs.ask).toEqual({ street: 'Elm' });
    expect(kernel.attempt('after').input).toEqual({ street: 'Elm' });
  });

  it('S125 takes anything where no schema is given', async () => {
    const kernel = await asked(human('input', 'ask'));
    await answer(kernel, [1, 'two', null]);
    expect(kernel.summary().outputs.ask).toEqual([1, 'two', null]);
  });
});

describe('a decision', () => {
  const options = [{ id: 'refund', title: 'Pay it back' }, { id: 'replace' }];

  async function deciding(more: object = {}, input: JsonValue = {}): Promise<Kernel> {
    const kernel = new Kernel();
    const nodes = [
      human('decision', 'ask', { options, ...more }),
      action('pay'),
      action('ship'),
      action('always'),
    ];
    const edges = [
      edge('ask', 'pay', { on: 'refund' }),
      edge('ask', 'ship', { on: 'replace' }),
      edge('ask', 'always'),
    ];
    await kernel.start(plan(nodes, edges), { input });
    await kernel.settle();
    return kernel;
  }

  it('S125 S132 takes the edge that its choice names, after a restart too', async () => {
    const kernel = await deciding();
    expect(presented(kernel).options).toEqual(options);
    await kernel.restart();
    expect(await answer(kernel, { choice: 'replace' })).toMatchObject({ outcome: 'replace' });
    expect(kernel.working()).toEqual(['ship', 'always']);
    expect(kernel.summary()).toMatchObject({
      nodes: { pay: 'skipped' },
      outputs: { ask: { choice: 'replace' } },
    });
  });

  it('S131 refuses what is none of its options', async () => {
    const kernel = await deciding();
    for (const response of [{ choice: 'burn' }, { choice: 1 }, 'refund', null]) {
      await expect(answer(kernel, response)).rejects.toMatchObject({
        code: 'response-invalid',
        issues: [{ path: '/choice' }],
      });
    }
    expect(kernel.status()).toBe('awaiting-human');
  });

  it('S125 chooses among what its input gives', async () => {
    const more = { options: { from: 'input.candidates' } };
    const kernel = await deciding(more, { candidates: ['a', { id: 'b', title: 'B' }] });
    expect(presented(kernel).options).toEqual([{ id: 'a' }, { id: 'b', title: 'B' }]);
    const form = JSON.parse(kernel.openTasks()[0]?.responseSchemaJson ?? '') as object;
    expect(form).toMatchObject({
      properties: {
        choice: {
          oneOf: [
            { const: 'a', title: 'a' },
            { const: 'b', title: 'B' },
          ],
        },
      },
    });
    await answer(kernel, { choice: 'b' });
    expect(kernel.working()).toEqual(['always']);
  });

  it.each<[string, JsonValue]>([
    ['nothing', []],
    ['the same twice', ['a', 'a']],
    ['no names', [1]],
    ['no list', 'a'],
  ])('S125 fails where its input gives %s to choose from', async (_what, candidates) => {
    const kernel = await deciding({ options: { from: 'input.candidates' } }, { candidates });
    expect(kernel.status()).toBe('failed');
    expect(kernel.openTasks()).toEqual([]);
    expect(kernel.rows().nodeRuns.get('ask')?.reasonJson).toContain('options-invalid');
  });
});

describe('a review and edit', () => {
  const text = { type: 'object', required: ['body'], properties: { body: { type: 'string' } } };
  const reviewing = (draft: JsonValue, more: object = {}) =>
    asked(human('review-edit', 'ask', { outputSchema: text, ...more }), { input: draft });

  it('S125 S204 gives the draft as it is where it is accepted', async () => {
    const kernel = await reviewing({ body: 'x' });
    expect(presented(kernel)).toMatchObject({ subject: { body: 'x' }, issues: [] });
    expect(await answer(kernel, { decision: 'accept' })).toMatchObject({ outcome: 'approved' });
    expect(kernel.attempt('after').input).toEqual({ body: 'x' });
  });

  it('S204 is edited, checked, shown again and accepted, with the whole history kept', async () => {
    const kernel = await reviewing({ body: 1 });
    const first = kernel.task('ask');
    expect(presented(kernel).issues).toMatchObject([{ path: '/body' }]);
    await expect(answer(kernel, { decision: 'accept' })).rejects.toMatchObject({
      issues: [{ path: '/output/body' }],
    });
    await answer(kernel, { decision: 'edit', output: { body: 2 } }, { responder: 'ann' });
    expect(kernel.rows().tasks.get(first)?.status).toBe('answered');
    expect(presented(kernel)).toMatchObject({
      subject: { body: 2 },
      issues: [{ path: '/body' }],
      history: [{ round: 1, outcome: 'edited', responder: 'ann', output: { body: 2 } }],
    });
    await kernel.restart();
    await answer(kernel, { decision: 'edit', output: { body: 'two' }, comments: 'better' });
    expect(presented(kernel)).toMatchObject({ subject: { body: 'two' }, issues: [] });
    expect(kernel.openTasks()).toMatchObject([{ round: 3 }]);
    await answer(kernel, { decision: 'accept' });
    expect(kernel.attempt('after').input).toEqual({ body: 'two' });
    expect(kernel.rows().responses.map(({ outcome }) => outcome)).toEqual([
      'edited',
      'edited',
      'approved',
    ]);
  });

  it('S204 is accepted with an edit in one go', async () => {
    const kernel = await reviewing({ body: 1 });
    await answer(kernel, { decision: 'accept', output: { body: 'one' } });
    expect(kernel.summary().outputs.ask).toEqual({ body: 'one' });
  });

  it('S133 S204 leads on by no plain edge where it is rejected or sent back', async () => {
    for (const response of [
      { decision: 'reject', comments: 'no' },
      { decision: 'send-back', requiredEdits: ['tone'] },
    ]) {
      const kernel = await reviewing({ body: 'x' });
      await answer(kernel, response);
      expect(kernel.summary()).toMatchObject({
        status: 'completed',
        nodes: { ask: 'completed', after: 'skipped' },
        outputs: { ask: response },
      });
    }
  });

  it('S131 refuses an edit without an output, and a return without a word', async () => {
    const kernel = await reviewing({ body: 'x' });
    const refused: readonly [JsonValue, string][] = [
      [{ decision: 'edit' }, '/output'],
      [{ decision: 'send-back' }, '/requiredEdits'],
      [{ decision: 'send-back', requiredEdits: [' '] }, '/requiredEdits'],
      [{ decision: 'maybe' }, '/decision'],
    ];
    for (const [response, path] of refused) {
      await expect(answer(kernel, response)).rejects.toMatchObject({ issues: [{ path }] });
    }
  });

  it('S204 shows what its expression gives', async () => {
    const kernel = await reviewing({ draft: { body: 'x' } }, { subject: 'input.draft' });
    expect(presented(kernel)).toMatchObject({ subject: { body: 'x' } });
    await answer(kernel, { decision: 'accept' });
    expect(kernel.summary().outputs.ask).toEqual({ body: 'x' });
  });
});

describe('an operator', () => {
  const tell = (kernel: Kernel, message: object) =>
    kernel.send({ by: 'op', reason: null, ...message } as never);
  const complete = (kernel: Kernel, output: JsonValue, outcome: string | null = null) =>
    tell(kernel, { type: 'node.complete', node: 'ask', output, outcome, action: null });

  it('S172 answers for a person as the kind of the question wants it', async () => {
    const options = [{ id: 'a' }, { id: 'b' }];
    const decision = await asked(human('decision', 'ask', { options }));
    await expect(complete(decision, { choice: 'c' })).rejects.toMatchObject({
      code: 'output-invalid',
    });
    await complete(decision, { choice: 'b' });
    expect(decision.rows().nodeRuns.get('ask')).toMatchObject({ outcome: 'b', action: 'b' });
    const review = await asked(human('review-edit', 'ask'));
    await expect(complete(review, 1)).rejects.toMatchObject({ code: 'output-invalid' });
    await complete(review, 1, 'approved');
    expect(review.working()).toEqual(['after']);
  });

  it('S172 S203 gives no input with which nobody could be asked', async () => {
    const kernel = await asked(human('input', 'ask', { responders: { from: 'input.who' } }), {
      input: { who: ['ann'] },
    });
    const task = kernel.task('ask');
    const patch = (input: JsonValue) => tell(kernel, { type: 'node.patch', node: 'ask', input });
    await expect(patch({ who: [] })).rejects.toMatchObject({ code: 'input-invalid' });
    expect(kernel.task('ask')).toBe(task);
    await patch({ who: ['bob'] });
    expect(kernel.openTasks()).toMatchObject([{ peopleJson: '{"responders":["bob"]}' }]);
  });
});

describe('the outcome of an approval', () => {
  it('S130 is changes-requested, approved or rejected, and decided in this order, whatever was said', () => {
    const edit = fc.constantFrom('', ' ', '\t\n', 'x', ' y ', null);
    const edits = fc.oneof(fc.array(edit), fc.constant(undefined));
    const approved = fc.constantFrom(true, false, 'true', 1, null, undefined);
    fc.assert(
      fc.property(approved, edits, (said, requiredEdits) => {
        const response = JSON.parse(JSON.stringify({ approved: said, requiredEdits })) as JsonValue;
        const asks = (requiredEdits ?? []).some((text) => text !== null && text.trim() !== '');
        const otherwise = said === true ? 'approved' : 'rejected';
        expect(approvalOutcome(response)).toBe(asks ? 'changes-requested' : otherwise);
      }),
    );
  });

  const outcomes = ['approved', 'rejected', 'changes-requested'] as const;
  const answers = {
    approved: { approved: true },
    rejected: { approved: false },
    'changes-requested': { approved: true, requiredEdits: ['tone'] },
  };

  it.each(outcomes.flatMap((outcome) => [[outcome, false] as const, [outcome, true] as const]))(
    'S130 S132 takes its own edge and no other: %s, over restarts: %s',
    async (outcome, stops) => {
      const kernel = new Kernel();
      const nodes = [human('approval', 'ask'), ...outcomes.map((id) => action(id))];
      const edges = outcomes.map((id) => edge('ask', id, { when: `outcome == "${id}"` }));
      await kernel.start(plan(nodes, edges));
      await kernel.settle();
      if (stops) await kernel.restart();
      await answer(kernel, answers[outcome]);
      if (stops) await kernel.restart();
      expect(kernel.working()).toEqual([outcome]);
      await kernel.finish(outcome);
      expect(kernel.status()).toBe('completed');
      const others = outcomes.filter((other) => other !== outcome);
      for (const other of others) expect(kernel.summary().nodes[other]).toBe('skipped');
    },
  );
});
