import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/index.js';
import { testKit } from '../../src/testing/index.js';
import { BEGINNING, linesOf, openExample } from './support/example.js';

const { plan, handlers } = await openExample('list');

describe('examples/list', () => {
  it('S5 S55 does one step after the other, each with what the one before it gave', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan);
    expect(linesOf(run.log)).toEqual([
      ...BEGINNING,
      'node.ready process',
      'node.started process#1',
      'artifact.stored process#1',
      'node.completed process#1',
      'node.ready fetch',
      'node.started fetch#1',
      'artifact.stored fetch#1',
      'node.completed fetch#1',
      'run.completed running→completed',
    ]);
    expect(Object.entries(run.outputs)).toEqual([
      ['process', { file: 'opening-hours.txt' }],
      ['fetch', { text: 'Monday to Friday from nine to five.' }],
    ]);
  });

  it('S96 keeps an artifact of each step, which says what it comes from', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan);
    const stored = run.log.filter('artifact.stored').map(({ detail }) => detail);
    expect(stored).toMatchObject([
      { name: 'task:process', version: 1 },
      { name: 'task:fetch', version: 1 },
    ]);
    const { artifacts } = await kit.runs.details(run.id);
    expect(artifacts.map(({ name, payload }) => [name, payload])).toEqual([
      ['task:fetch', { step: 'fetch', step_id: 'fetch' }],
      ['task:process', { step: 'process', step_id: 'process' }],
    ]);
  });

  it('S8 is refused before anything runs where the handler of a step is missing', async () => {
    const { fetch: _missing, ...others } = handlers;
    const kit = await testKit({ handlers: others });
    await expect(kit.run(plan, { id: 'refused' })).rejects.toMatchObject({
      code: 'handler-missing',
      message: expect.stringContaining('fetch'),
    });
    await expect(kit.get('refused')).rejects.toMatchObject({ code: 'run-unknown' });
  });

  it('S105 S109 S118 tries a page twice and escalates once, and those who listen hear of it once', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, { input: { title: 'Prices' } });
    expect(linesOf(run.log.filter(() => true, { node: 'fetch' }))).toEqual([
      'node.ready fetch',
      'node.started fetch#1',
      'attempt.failed fetch#1',
      'node.ready fetch#1',
      'node.started fetch#2',
      'attempt.failed fetch#2',
      'node.escalated fetch#2',
      'escalation.raised fetch',
      'node.awaiting-human fetch#2',
      'task.opened fetch',
    ]);
    const heard: RunEvent[] = [];
    for await (const event of kit.orchestrator.events(run.id)) {
      if (/^(task|escalation)\./.test(event.type)) heard.push(event);
      if (event.type === 'run.status-changed') break;
    }
    expect(heard.map(({ type }) => type)).toEqual(['escalation.raised', 'task.opened']);
    expect(new Set(heard.map(({ id }) => id)).size).toBe(2);
    expect(run.status).toBe('awaiting-human');
  });

  it('S118 S135 goes on with the text that a person gives in place of the page', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, { input: { title: 'Prices' } });
    const response = { decision: 'accept', output: { text: 'Free.' } };
    await expect(
      kit.respond(run, 'fetch', response, { responder: 'passer-by' }),
    ).rejects.toMatchObject({ code: 'responder-refused' });
    await kit.respond(run, 'fetch', response, { responder: 'editor' });
    expect(run).toMatchObject({ status: 'completed', outputs: { fetch: { text: 'Free.' } } });
    expect(linesOf(run.log).slice(-4)).toEqual([
      'task.responded fetch',
      'task.closed fetch',
      'node.completed fetch#2',
      'run.completed awaiting-human→completed',
    ]);
  });
});
