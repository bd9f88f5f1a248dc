import { describe, expect, it } from 'vitest';
import { readResponse } from '../../src/cli/ask.js';
import { askForm } from '../../src/cli/form.js';
import type { JsonValue, TaskView } from '../../src/index.js';

/** Somebody who types these, one answer after another. */
function typist(...typed: readonly string[]) {
  const left = [...typed];
  const asked: string[] = [];
  const question = async (text: string) => {
    asked.push(text);
    const answer = left.shift();
    if (answer === undefined) throw new Error(`nothing is left to type at "${text}"`);
    return answer;
  };
  return { asked, left, question };
}

describe('a form', () => {
  it('asks field by field, again where an answer is unclear, and leaves out what may be left out', async () => {
    const schema = {
      type: 'object',
      required: ['name', 'age', 'isHome', 'size'],
      properties: {
        name: { type: 'string', title: 'Your name' },
        age: { type: 'integer' },
        isHome: { type: 'boolean' },
        size: { enum: ['small', 'large'] },
        notes: { type: 'array', items: { type: 'string' } },
        nick: { type: 'string' },
        extra: {},
        address: { type: 'object', properties: { street: { type: 'string' } } },
      },
    };
    const terminal = typist(
      ...[
        'Ada',
        'many',
        '7',
        'perhaps',
        'yes',
        '3',
        '2',
        'one',
        'two',
        '',
        '',
        '{',
        '{"a":1}',
        'Elm',
      ],
    );
    expect(await askForm(terminal, schema, '')).toEqual({
      name: 'Ada',
      age: 7,
      isHome: true,
      size: 'large',
      notes: ['one', 'two'],
      extra: { a: 1 },
      address: { street: 'Elm' },
    });
    expect(terminal.left).toEqual([]);
    expect(terminal.asked[0]).toBe('Your name (name): ');
  });
});

describe('a person at the terminal', () => {
  const task = (kind: string, responseSchema: JsonValue = {}) =>
    ({ kind, responseSchema, presented: {} }) as unknown as TaskView;
  const choice = {
    oneOf: [
      { const: 'a', title: 'First' },
      { const: 'b', title: 'Second' },
    ],
  };
  const decision = { type: 'object', required: ['choice'], properties: { choice } };

  it.each<[string, JsonValue, string[], JsonValue | undefined]>([
    ['human-approval', {}, ['x', 'a'], { approved: true }],
    ['human-approval', {}, ['c', 'tone'], { approved: false, requiredEdits: ['tone'] }],
    ['human-approval', {}, ['l'], undefined],
    [
      'human-approval',
      { properties: { comments: {} } },
      ['r', 'no'],
      { approved: false, comments: 'no' },
    ],
    ['human-check', {}, ['c', 'tone'], { approved: false, requiredEdits: ['tone'] }],
    ['human-input', { type: 'number' }, ['n', '7'], 7],
    ['human-decision', decision, ['n', '2'], { choice: 'b' }],
    ['human-review-edit', {}, ['a'], { decision: 'accept' }],
    ['human-review-edit', {}, ['e', '[1]'], { decision: 'edit', output: [1] }],
    ['human-review-edit', {}, ['s', 'x'], { decision: 'send-back', requiredEdits: ['x'] }],
    ['human-review', {}, ['t'], { decision: 'retry' }],
    ['escalation', {}, ['g', 'no'], { decision: 'abort', comments: 'no' }],
  ])('S131 answers a task of kind %s (%j) by typing %j', async (kind, schema, typed, answer) => {
    const terminal = typist(...typed);
    expect(await readResponse(terminal, task(kind, schema))).toEqual(answer);
    expect(terminal.left).toEqual([]);
  });

  it('S131 S234 is asked for a score where there is a threshold', async () => {
    const schema = {
      type: 'object',
      required: ['score'],
      properties: { score: { type: 'number' }, comments: { type: 'string' } },
    };
    const terminal = typist('n', '8', 'fine');
    const scored = { ...task('human-check', schema), presented: { threshold: 7 } };
    expect(await readResponse(terminal, scored)).toEqual({ score: 8, comments: 'fine' });
  });

  it('S131 is asked for what else the plan wants to know of an approval', async () => {
    const schema = {
      type: 'object',
      required: ['approved', 'limit'],
      properties: { approved: { type: 'boolean' }, limit: { type: 'number' } },
    };
    const terminal = typist('a', '5');
    const answer = await readResponse(terminal, task('human-approval', schema));
    expect(answer).toEqual({ approved: true, limit: 5 });
  });
});
