import { describe, expect, it } from 'vitest';
import { Kernel } from '../support/kernel.js';
import { action, approval, chain, plan } from '../support/plans.js';
import { human } from './asking.js';

const changes = (...requiredEdits: string[]) => ({ approved: false, requiredEdits });

async function drafted(more: object = {}, ask = approval): Promise<Kernel> {
  const kernel = new Kernel();
  const nodes = [
    action('draft'),
    action('polish'),
    ask('ask', { rework: { to: 'draft' }, ...more }),
    action('after'),
  ];
  await kernel.start(plan(nodes, chain('draft', 'polish', 'ask', 'after')));
  await kernel.finish('draft', { v: 1 });
  await kernel.finish('polish', { v: 1 });
  return kernel;
}

describe('requested changes', () => {
  it('S134 send the work back, tell what has to change, and are asked about again', async () => {
    const kernel = await drafted();
    await kernel.respond('ask', changes('tone'), 'ann');
    await kernel.settle();
    expect(kernel.working()).toEqual(['draft']);
    const again = kernel.attempt('draft');
    expect(again.key).toBe('r1/draft/2/1');
    expect(again.context.feedback).toMatchObject([
      { round: 1, outcome: 'changes-requested', responder: 'ann', requiredEdits: ['tone'] },
    ]);
    await kernel.restart();
    expect(kernel.attempt('draft').context.feedback).toHaveLength(1);
    await kernel.finish('draft', { v: 2 });
    expect(kernel.attempt('polish').context.feedback).toEqual([]);
    await kernel.finish('polish', { v: 2 });
    const [task] = kernel.openTasks();
    expect(task).toMatchObject({ round: 2, generation: 2 });
    expect(JSON.parse(task?.presentedJson ?? '')).toMatchObject({
      input: { v: 2 },
      history: [{ round: 1, requiredEdits: ['tone'] }],
    });
    await kernel.respond('ask', { approved: true });
    await kernel.settle();
    expect(kernel.working()).toEqual(['after']);
    expect(kernel.rows().pastNodeRuns.map(({ node, generation }) => [node, generation])).toEqual([
      ['draft', 1],
      ['polish', 1],
      ['ask', 1],
    ]);
  });

  it('S134 are recorded in order: the answer, the node, the way back, the next generation', async () => {
    const kernel = await drafted();
    const before = kernel.log().length;
    await kernel.respond('ask', changes('tone'));
    await kernel.settle();
    expect(kernel.log().slice(before)).toEqual([
      'task.responded ask',
      'task.closed ask',
      'node.completed ask',
      'run.reworked ask',
      'nodes.renewed',
      'node.ready draft',
      'node.started draft#1',
      'run.status-changed awaiting-human→running',
    ]);
  });

  it('S134 come to an end: after the last round they lead on as the edges say', async () => {
    const kernel = await drafted({ rework: { to: 'draft', maxRounds: 2 } });
    for (const round of [1, 2]) {
      await kernel.respond('ask', changes(`round ${round}`));
      await kernel.settle();
      await kernel.finish('draft');
      await kernel.finish('polish');
    }
    await kernel.respond('ask', changes('again'));
    await kernel.settle();
    expect(kernel.summary()).toMatchObject({
      status: 'completed',
      nodes: { ask: 'completed', after: 'skipped' },
    });
  });

  it('S134 are no rejection: what is rejected is not done again', async () => {
    const kernel = await drafted();
    await kernel.respond('ask', { approved: false });
    await kernel.settle();
    expect(kernel.summary()).toMatchObject({ status: 'completed', nodes: { after: 'skipped' } });
  });

  it('S134 S204 send a draft back from its editor, with what he made of it in the history', async () => {
    const kernel = await drafted({}, (id, more) => human('review-edit', id, more));
    await kernel.respond('ask', { decision: 'edit', output: { v: 'edited' } });
    await kernel.respond('ask', { decision: 'send-back', requiredEdits: ['shorter'] });
    await kernel.settle();
    expect(kernel.attempt('draft').context.feedback).toMatchObject([
      { outcome: 'edited', output: { v: 'edited' } },
      { outcome: 'changes-requested', requiredEdits: ['shorter'] },
    ]);
    await kernel.finish('draft', { v: 2 });
    await kernel.finish('polish', { v: 2 });
    const presented = JSON.parse(kernel.openTasks()[0]?.presentedJson ?? '') as object;
    expect(presented).toMatchObject({ subject: { v: 2 }, history: [{}, {}] });
  });

  it('S134 of a node in a loop stay within the iteration', async () => {
    const kernel = new Kernel();
    const nodes = [action('draft'), approval('ask', { rework: { to: 'draft' } })];
    const loop = { kind: 'loop', id: 'l', maxIterations: 1 };
    await kernel.start(plan([{ ...loop, body: { nodes, edges: chain('draft', 'ask') } }]));
    await kernel.finish('l[1]/draft');
    await kernel.respond('l[1]/ask', changes('tone'));
    await kernel.settle();
    expect(kernel.attempt('l[1]/draft').key).toBe('r1/l[1]/draft/2/1');
    await kernel.finish('l[1]/draft');
    await kernel.respond('l[1]/ask', { approved: true });
    await kernel.settle();
    expect(kernel.status()).toBe('completed');
  });
});
