import { describe, expect, it } from 'vitest';
import { testKit } from '../../src/testing/index.js';
import { BEGINNING, linesOf, openExample } from './support/example.js';

const { plan, handlers } = await openExample('research');
/** Asks for three notes, one more than there are searches. */
const LONG = { question: 'How do a snapshot and a timer survive a crash?' };
const SHORT = { question: 'What is a snapshot?' };

const INIT = [
  ...BEGINNING,
  'node.ready init',
  'node.started init#1',
  'node.completed init#1',
  'node.ready research',
  'node.started research',
];
const ANSWER = [
  'node.completed research',
  'node.ready answer',
  'node.started answer#1',
  'artifact.stored answer#1',
  'node.completed answer#1',
  'run.completed running→completed',
];

/** An iteration that decides to search, up to the start of the search. */
function searching(iteration: number): string[] {
  const path = `research[${iteration}]`;
  return [
    'loop.iteration-started research',
    `node.ready ${path}/decide`,
    `node.started ${path}/decide#1`,
    `node.completed ${path}/decide#1`,
    `edge.evaluated ${path}/decide`,
    `edge.evaluated ${path}/decide`,
    `node.ready ${path}/search`,
    `node.skipped ${path}/$break`,
  ];
}

function searched(iteration: number): string[] {
  const search = `research[${iteration}]/search#1`;
  return [`node.started ${search}`, `node.completed ${search}`, 'loop.iteration-ended research'];
}

describe('examples/research', () => {
  it('S60 S70 S142 decides and searches twice, and then answers with what it has', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, { input: LONG });
    expect(linesOf(run.log)).toEqual([
      ...INIT,
      ...searching(1),
      ...searched(1),
      ...searching(2),
      ...searched(2),
      ...ANSWER,
    ]);
    expect(run.outputs.research).toMatchObject({ exit: 'max', iterations: 2 });
    expect(run.outputs.answer).toEqual({
      isComplete: false,
      text:
        'After a crash another process goes on with the rows that were stored. ' +
        'A snapshot is the state of a statechart, as it was after a turn.',
    });
  });

  it('S70 S142 answers once where the agent decides to answer', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, { input: SHORT });
    expect(linesOf(run.log)).toEqual([
      ...INIT,
      ...searching(1),
      ...searched(1),
      'loop.iteration-started research',
      'node.ready research[2]/decide',
      'node.started research[2]/decide#1',
      'node.completed research[2]/decide#1',
      'edge.evaluated research[2]/decide',
      'edge.evaluated research[2]/decide',
      'node.skipped research[2]/search',
      'node.ready research[2]/$break',
      'node.completed research[2]/$break',
      'loop.iteration-ended research',
      ...ANSWER,
    ]);
    expect(run.log.find('node.completed', { node: 'research[2]/decide' })?.detail).toMatchObject({
      action: 'answer',
    });
    expect(run.outputs.research).toMatchObject({ exit: 'break', iterations: 2 });
    expect(run.outputs.answer).toEqual({
      isComplete: true,
      text: 'A snapshot is the state of a statechart, as it was after a turn.',
    });
  });

  it('S70 S142 answers at once where there is nothing to search for', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, { input: { question: 'Who won?' } });
    expect(run.outputs.research).toMatchObject({ exit: 'break', iterations: 1 });
    expect(run.log.filter('node.started', { node: 'answer' })).toHaveLength(1);
    expect(run.status).toBe('completed');
  });

  it('S61 S119 fails with budget_exhausted after three steps, and never answers', async () => {
    const kit = await testKit({ handlers });
    const run = await kit.run(plan, { input: LONG, budget: { maxSteps: 3 } });
    expect(run.status).toBe('failed');
    expect(run.reason).toMatchObject({ code: 'budget_exhausted' });
    expect(run.log.filter('node.started').flatMap(({ node }) => (node ? [node] : []))).toEqual([
      'init',
      'research',
      'research[1]/decide',
      'research[1]/search',
    ]);
    expect(run.nodes).toMatchObject({ init: 'completed', answer: 'cancelled' });
    expect(run.log.find('run.budget-exhausted')?.detail).toMatchObject({ kind: 'steps' });
    expect(linesOf(run.log).at(-1)).toBe('run.failed running→failed');
    expect(run.log.filter(/^run\.(completed|partial|failed|cancelled)$/)).toHaveLength(1);
  });
});
