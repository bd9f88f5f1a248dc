import { describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { plan } from '../../src/plan/builder.js';
import type { RunReader } from '../../src/run-reader.js';
import { testKit } from '../../src/testing/index.js';
import { simulatedEnvironment } from '../../src/testing/simulation.js';
import { temporaryDatabase } from '../support/temporary.js';

describe('the same run', () => {
  const draft = plan('Both')
    .action('read', { handler: 'read', retry: { maxAttempts: 2 } })
    .switch('size')
    .approval('review')
    .action('send', { handler: 'send' })
    .edge('read', 'size')
    .edge('size', 'review', { when: 'output.lines > 1' })
    .edge('size', 'send', { default: true })
    .build();
  const handlers = {
    read: (_input: unknown, { attempt }: { attempt: number }) => {
      if (attempt === 1) throw new Error('once');
      const artifacts = [{ name: 'text', kind: 'text', payload: 'abc' }];
      return { ok: true, output: { lines: 3 }, artifacts };
    },
    send: () => 1,
  };

  /** Everything that a reader tells of run r1, without the name of the process. */
  async function tellAll(runs: RunReader): Promise<unknown> {
    const events = await runs.events('r1');
    return {
      list: await runs.list(),
      details: await runs.details('r1'),
      result: await runs.result('r1'),
      diagram: await runs.diagram('r1'),
      events,
      attempts: await runs.attempts('r1', 'read'),
      tasks: await runs.openTasks(),
      states: await Promise.all(events.map(({ seq }) => runs.stateAt('r1', seq))),
    };
  }

  async function played(orchestrator: Orchestrator): Promise<unknown> {
    await orchestrator.start(draft, { id: 'r1', input: { file: 'a' } });
    expect(await orchestrator.settled('r1')).toBe('awaiting-human');
    const told = await tellAll(orchestrator.runs);
    await orchestrator.close();
    return told;
  }

  it('S193 reads the same from a database and from memory', async () => {
    const environment = simulatedEnvironment(1);
    const url = temporaryDatabase();
    const stored = await played(await createOrchestrator({ url, handlers, environment }));
    const kit = await testKit({ handlers, seed: 1 });
    const run = await kit.run(draft, { id: 'r1', input: { file: 'a' } });
    expect(run.status).toBe('awaiting-human');
    expect(await tellAll(kit.runs)).toEqual(stored);
  });
});
