import { describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { JsonValue } from '../../src/plan/json.js';
import { approval, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';
import { answer, asked, human } from './asking.js';

const product = (...artifacts: JsonValue[]) => ({
  product: { type: 'returned', value: { ok: true, artifacts } } as const,
});
const scan = { name: 'scan', kind: 'image', pointer: 's3://scans/1' };

describe('what is handed over with an answer', () => {
  const deliverables = [{ name: 'scan', kind: 'image' }];

  it('S98 S102 S125 is what an input has to deliver', async () => {
    const kernel = await asked(human('input', 'ask', { deliverables }));
    await expect(answer(kernel, 'here')).rejects.toMatchObject({
      code: 'response-invalid',
      issues: [{ code: 'deliverable-missing', path: '/deliverables/0' }],
    });
    const wrong = product({ ...scan, kind: 'text' });
    await expect(answer(kernel, 'here', wrong)).rejects.toMatchObject({
      issues: [{ code: 'deliverable-missing' }],
    });
    await answer(kernel, 'here', product(scan));
    expect(kernel.rows().artifacts).toMatchObject([
      { name: 'scan', version: 1, node: 'ask', attempt: 0, standing: 'accepted' },
    ]);
    expect(kernel.log('r1', /^(task.responded|artifact|task.closed|node.completed)/)).toEqual([
      'task.responded ask',
      'artifact.stored ask',
      'task.closed ask',
      'node.completed ask',
    ]);
    await kernel.restart();
    expect(kernel.working()).toEqual(['after']);
  });

  it('S126 is no duty of an approval, whose deliverables are there to be looked at', async () => {
    const kernel = await asked(approval('ask', { deliverables }));
    await answer(kernel, { approved: true });
    expect(kernel.working()).toEqual(['after']);
  });

  it('S98 has to fit the schema of what it is delivered as', async () => {
    const typed = [{ name: 'scan', kind: 'json', required: false, schema: { type: 'string' } }];
    const kernel = await asked(approval('ask', { deliverables: typed }));
    const bad = product({ name: 'scan', kind: 'json', payload: 7 });
    await expect(answer(kernel, { approved: true }, bad)).rejects.toMatchObject({
      issues: [{ code: 'artifact-schema-mismatch', path: '/artifacts/0/payload' }],
    });
    await expect(answer(kernel, { approved: true }, product(7))).rejects.toMatchObject({
      issues: [{ path: '/artifacts' }],
    });
    await answer(kernel, { approved: true }, product({ name: 'scan', kind: 'json', payload: 'x' }));
    expect(kernel.working()).toEqual(['after']);
  });

  it('S205 S204 comes with no single vote, and with no edit', async () => {
    const votes = await asked(approval('ask', { quorum: { approvals: 2 } }));
    const vote = { responder: 'a', ...product(scan) };
    await expect(answer(votes, { approved: true }, vote)).rejects.toMatchObject({
      issues: [{ path: '/artifacts' }],
    });
    const review = await asked(human('review-edit', 'ask'));
    const edit = { decision: 'edit', output: 1 };
    await expect(answer(review, edit, product(scan))).rejects.toMatchObject({
      issues: [{ path: '/artifacts' }],
    });
    await answer(review, { decision: 'accept' }, product(scan));
    expect(review.rows().artifacts).toMatchObject([{ name: 'scan' }]);
  });

  it('S94 S97 is kept beside the database where it is large', async () => {
    const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: {} });
    const draft = plan([human('input', 'ask', { deliverables: [{ name: 'book', kind: 'json' }] })]);
    const run = await orchestrator.start(draft.plan, { id: 'r' });
    await orchestrator.settled('r');
    const [task] = await orchestrator.tasks.list({ run: 'r' });
    const payload = { text: 'x'.repeat(100_000) };
    const artifacts = [{ name: 'book', kind: 'json', payload }];
    await orchestrator.tasks.respond(task?.id ?? '', { response: 'done', artifacts });
    await run.result();
    expect(await orchestrator.runs.artifact('r', 'book')).toMatchObject({
      payload,
      pointer: expect.stringMatching(/^file:sha256:/),
    });
    await orchestrator.close();
  });
});
