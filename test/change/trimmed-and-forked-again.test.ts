import { describe, expect, it, onTestFinished } from 'vitest';
import type { Handlers } from '../../src/actors/handlers.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { action, approval, chain, edge, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const by = 'ann';

async function open(): Promise<Orchestrator> {
  let calls = 0;
  const handlers: Handlers = {
    work: () => {
      calls += 1;
      const artifacts = [{ name: 'x', kind: 'text', payload: calls }];
      return { ok: true, output: calls, artifacts };
    },
  };
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

/** Its first two nodes begin again once; it ends. */
async function playRolledBack(orchestrator: Orchestrator, id: string): Promise<void> {
  const draft = plan(
    [action('a'), action('b'), approval('ask'), action('c')],
    chain('a', 'b', 'ask', 'c'),
  ).plan;
  await orchestrator.start(draft, { id });
  await orchestrator.settled(id);
  await orchestrator.change.rollback(id, 'a', { by });
  await orchestrator.settled(id);
  const [task] = (await orchestrator.runs.details(id)).tasks;
  await orchestrator.respond(task?.id ?? '', { response: { approved: true } });
  await orchestrator.result(id);
}

const told = plan([{ kind: 'signal', id: 'told' }, action('after')], [edge('told', 'after')]).plan;

async function playTold(orchestrator: Orchestrator, id: string): Promise<void> {
  await orchestrator.start(told, { id });
  await orchestrator.signal(id, 'told', { payload: { v: 7 }, id: 'seven' });
  await orchestrator.result(id);
}

describe('a fork of a run whose log was trimmed', () => {
  it('S171 S173 carries over the present generation of each node', async () => {
    const orchestrator = await open();
    await playRolledBack(orchestrator, 'r');
    const { outputs } = await orchestrator.result('r');
    await orchestrator.trim({ historyOlderThanMs: 0 });
    const { carried } = await orchestrator.change.fork('r', { by, id: 'f' });
    expect(carried).toEqual(['a', 'b', 'ask', 'c']);
    expect((await orchestrator.result('f')).outputs).toEqual(outputs);
    expect(await orchestrator.runs.verify('f')).toMatchObject({ ok: true });
  });

  it('S171 S173 is refused at an event that is gone', async () => {
    const orchestrator = await open();
    await playRolledBack(orchestrator, 'r');
    const newest = (await orchestrator.runs.details('r')).seq;
    await orchestrator.trim({ historyOlderThanMs: 0 });
    const forked = orchestrator.change.fork('r', { by, at: 3 });
    await expect(forked).rejects.toMatchObject({ code: 'history-trimmed' });
    await orchestrator.change.fork('r', { by, at: newest });
  });

  it('S171 S173 gives a signal again to the node that begins again', async () => {
    const orchestrator = await open();
    await playTold(orchestrator, 'r');
    await orchestrator.trim({ historyOlderThanMs: 0 });
    await orchestrator.change.fork('r', { by, id: 'f', from: 'told' });
    expect(await orchestrator.settled('f')).toBe('completed');
    expect((await orchestrator.result('f')).outputs).toMatchObject({ told: { v: 7 } });
  });
});

describe('a fork of a fork', () => {
  it('S171 gives a signal again that the first run was told', async () => {
    const orchestrator = await open();
    await playTold(orchestrator, 'r');
    await orchestrator.change.fork('r', { by, id: 'f1', from: 'after' });
    await orchestrator.result('f1');
    await orchestrator.change.fork('f1', { by, id: 'f2', from: 'told' });
    expect(await orchestrator.settled('f2')).toBe('completed');
    expect((await orchestrator.result('f2')).outputs).toMatchObject({ told: { v: 7 } });
  });
});
