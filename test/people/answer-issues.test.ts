import { describe, expect, it } from 'vitest';
import { listIssues } from '../../src/issue-list.js';
import { memoryRows } from '../../src/testing/memory-rows.js';
import type { Kernel } from '../support/kernel.js';
import { answer, asked, human } from './asking.js';

const short = { name: 'short', severity: 'warning', when: 'size(output.comments) < 3' };
const named = { name: 'named', when: 'has(output.name)' };

const issuesOf = (kernel: Kernel) => listIssues(memoryRows(kernel.storage), 1);

/** What retention does to the log of a run that goes on. */
function trimLog(kernel: Kernel): void {
  kernel.rows().events.length = 0;
}

describe('what is found of an answer', () => {
  it('S100 S102 is listed with its node, and still is when the log is trimmed', async () => {
    const kernel = await asked(human('approval', 'ask', { checks: [short] }));
    await answer(kernel, { approved: true, comments: 'so very good' });
    const before = await issuesOf(kernel);
    expect(before).toMatchObject([
      { node: 'ask', generation: 1, attempt: 0, severity: 'warning', code: 'check-unfulfilled' },
    ]);
    trimLog(kernel);
    expect(await issuesOf(kernel)).toEqual(before);
  });

  it('S100 S102 is listed once for each generation', async () => {
    const kernel = await asked(human('approval', 'ask', { checks: [short] }));
    await answer(kernel, { approved: true, comments: 'so very good' });
    await kernel.send({ type: 'run.rollback', node: 'ask', by: 'op', reason: null });
    await kernel.settle();
    await answer(kernel, { approved: true, comments: 'still so' });
    expect(await issuesOf(kernel)).toMatchObject([{ generation: 1 }, { generation: 2 }]);
  });

  it('S100 of a run from before it was kept is read off its log', async () => {
    const kernel = await asked(human('approval', 'ask', { checks: [short] }));
    await answer(kernel, { approved: true, comments: 'so very good' });
    const before = await issuesOf(kernel);
    for (const [id, task] of kernel.rows().tasks) {
      kernel.rows().tasks.set(id, { ...task, issuesJson: null });
    }
    expect(await issuesOf(kernel)).toMatchObject(before.map(({ detail: _, ...issue }) => issue));
  });
});

describe('a default answer', () => {
  const late = { deadlineMs: 1_000 };

  it('S136 S102 is asked what answers are asked: a warning makes the node partial', async () => {
    const defaultResponse = { approved: true, comments: 'as always' };
    const kernel = await asked(
      human('approval', 'ask', { ...late, defaultResponse, checks: [short] }),
    );
    await kernel.advance(1_001);
    expect(kernel.summary()).toMatchObject({
      nodes: { ask: 'partial', after: 'running' },
      outputs: { ask: defaultResponse },
    });
    trimLog(kernel);
    expect(await issuesOf(kernel)).toMatchObject([{ node: 'ask', code: 'check-unfulfilled' }]);
  });

  it('S136 S103 that a blocking check refuses is none: the policy settles it', async () => {
    const kernel = await asked(
      human('input', 'ask', {
        ...late,
        defaultResponse: { v: 1 },
        checks: [named],
        onFailure: 'skip',
      }),
    );
    await kernel.advance(1_001);
    expect(kernel.summary()).toMatchObject({ nodes: { ask: 'skipped' }, outputs: {} });
    expect(await issuesOf(kernel)).toMatchObject([{ severity: 'blocking' }]);
  });

  it('S136 S103 that accepts a draft which a check refuses is none', async () => {
    const kernel = await asked(
      human('review-edit', 'ask', {
        ...late,
        checks: [named],
        defaultResponse: { decision: 'accept' },
      }),
      { input: { k: 1 } },
    );
    await kernel.advance(1_001);
    expect(kernel.summary().nodes.ask).toBe('failed');
  });
});
