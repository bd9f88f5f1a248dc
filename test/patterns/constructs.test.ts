/**
 * The pages of docs/constructs: every plan on them runs here with handlers of the test, comes to what
 * the page says, and records the events that the page lists.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Handlers } from '../../src/actors/handlers.js';
import type { TaskResponseMessage } from '../../src/actors/messages.js';
import type { RunStatus } from '../../src/machines/statuses.js';
import type { JsonValue } from '../../src/plan/json.js';
import { nodeProperties } from '../../src/plan/node-schemas.js';
import { type Kernel, respondMessage, type StartOptions } from '../support/kernel.js';
import { childrenOf, root, stage, startsOf } from './stage.js';

const folder = new URL('docs/constructs/', root);
const SHOWN = /```yaml plan\n([\s\S]*?)```(?:(?!```yaml plan)[\s\S])*?```events\n([\s\S]*?)```/g;

interface Shown {
  readonly title: string;
  readonly text: string;
  readonly events: readonly string[];
}

const pages = new Map(
  readdirSync(folder).map((file) => [file, readFileSync(new URL(file, folder), 'utf8')] as const),
);
const shown: readonly Shown[] = [...pages.values()].flatMap((page) =>
  [...page.matchAll(SHOWN)].map(([, text = '', events = '']) => ({
    title: /^title: (.*)$/m.exec(text)?.[1] ?? '',
    text,
    events: events.trimEnd().split('\n'),
  })),
);
const run = new Set<string>();

interface Story extends StartOptions {
  readonly handlers?: Handlers;
  readonly ends?: RunStatus;
}

/** Runs the plan of a page; `tell` does what the test does, once nothing goes on without it. */
function story(
  title: string,
  fact: string,
  { ends = 'completed', ...start }: Story,
  tell: (kernel: Kernel) => Promise<void> = async () => {},
): void {
  run.add(title);
  it(`${fact} ("${title}")`, async () => {
    const plan = shown.find((candidate) => candidate.title === title);
    if (plan === undefined) throw new Error(`no page shows a plan with the title "${title}"`);
    const kernel = await stage(plan.text, start);
    await tell(kernel);
    expect(kernel.complaints).toEqual([]);
    expect(kernel.status()).toBe(ends);
    const all = kernel.log();
    const isCommon = /^run\.(created|admitted|started) /;
    expect(all.filter((line) => !isCommon.test(line))).toEqual(plan.events);
  });
}

/** A handler that gives these, one attempt after another. */
function inTurn(...values: readonly unknown[]) {
  const left = [...values];
  return () => {
    const value = left.shift();
    if (value instanceof Error) throw value;
    return value;
  };
}

const never = () => new Promise(() => {});

function answerTo(
  kernel: Kernel,
  node: string,
  response: JsonValue,
  more: Partial<TaskResponseMessage>,
) {
  return respondMessage({ task: kernel.task(node), node, response, ...more });
}

it('every plan on the pages of docs/constructs is run', () => {
  const count = [...pages.values()].reduce(
    (sum, page) => sum + page.split('```yaml plan').length - 1,
    0,
  );
  expect(shown).toHaveLength(count);
  expect([...run].sort()).toEqual(shown.map(({ title }) => title).sort());
});

it('every property of a kind of node is on the page of that kind', () => {
  const common = new Set(['kind', 'id', 'title', 'description', 'mergeInputs']);
  const kinds = ['action', 'switch', 'join', 'map', 'loop', 'subplan', 'sleep', 'signal'];
  for (const [kind, file] of [
    ...kinds.map((name) => [name, name]),
    ...['input', 'approval', 'review-edit', 'decision'].map((name) => [`human-${name}`, name]),
  ]) {
    const page = pages.get(`${file}.md`) ?? '';
    for (const property of nodeProperties(kind) ?? []) {
      if (!common.has(property)) expect(page, `${kind} ${property}`).toContain(`\`${property}\``);
    }
  }
});

it('every page of docs/constructs is linked from docs/plans.md', () => {
  const index = readFileSync(new URL('docs/plans.md', root), 'utf8');
  for (const file of pages.keys()) expect(index).toContain(`(constructs/${file})`);
});

// The kinds of nodes --------------------------------------------------------------------------

story(
  'Fetch a page and file it',
  'S47 S70 S98 a result record brings output, artifacts and the action that takes an edge',
  {
    handlers: {
      'http-get': () => ({
        ok: true,
        action: 'found',
        output: { status: 200 },
        artifacts: [{ name: 'body', kind: 'html', payload: '<p>' }],
      }),
      store: (input) => input,
      mail: never,
    },
  },
  async (k) => {
    expect(k.summary().outputs.file).toEqual({ status: 200 });
    expect(k.summary().nodes.complain).toBe('skipped');
  },
);

story(
  'Ask before printing',
  'S129 S130 S133 an approval is answered by those who may, and its outcome takes the edges',
  { handlers: { print: never, rework: (input) => input } },
  async (k) => {
    expect(k.status()).toBe('awaiting-human');
    const answer = { approved: false, requiredEdits: ['add a source'] };
    await k.respond('legal', answer, 'legal@example.org');
    await k.settle();
    expect(k.summary()).toMatchObject({
      nodes: { print: 'skipped', rework: 'completed' },
      outputs: { legal: answer },
    });
  },
);

story(
  'Ask where to ship',
  'S125 S131 S136 an input takes what fits its schema, and reminds of itself',
  { handlers: { pack: (input) => input, ship: (input) => input } },
  async (k) => {
    await k.advance(3_600_000);
    await k.send(
      answerTo(k, 'address', { street: 'Elm' }, { responder: 'ann', groups: ['sales'] }),
    );
    await k.settle();
    expect(k.summary().outputs.ship).toEqual({ street: 'Elm' });
  },
);

story(
  'Decide about a complaint',
  'S125 S136 S206 a decision escalates as deadlines pass, and takes its default at last',
  { input: { agent: 'ann' }, handlers: { pay: (input) => input, ship: never } },
  async (k) => {
    expect(k.openTasks()).toMatchObject([{ assignee: 'ann' }]);
    await k.advance(2 * 86_400_000);
    expect(k.summary().outputs.pay).toEqual({ choice: 'refund' });
  },
);

story(
  'Edit before sending',
  'S125 S134 S204 a draft is sent back, done again, edited and accepted',
  {
    handlers: {
      draft: (_input, { feedback }) => ({ body: feedback.length === 0 ? 'long' : 'short' }),
      send: (input) => input,
    },
  },
  async (k) => {
    await k.respond('editor', { decision: 'send-back', requiredEdits: ['shorter'] });
    await k.settle();
    await k.respond('editor', { decision: 'edit', output: { body: 'short and sweet' } });
    await k.settle();
    await k.respond('editor', { decision: 'accept' });
    await k.settle();
    expect(k.summary().outputs.send).toEqual({ body: 'short and sweet' });
  },
);

story(
  'Sort by size',
  'S73 a switch takes the first edge that holds',
  { input: { kg: 30 }, handlers: { ship: () => 'shipped', post: never } },
  async (k) => expect(k.summary().nodes).toMatchObject({ large: 'completed', small: 'skipped' }),
);

story(
  'Two of three quotes',
  'S83 S199 a join of a count is ready without the branch that failed',
  {
    ends: 'partial',
    handlers: {
      quote: (_input, { node }) => {
        if (node === 'b') throw new Error('sold out');
        return node === 'a' ? 10 : 12;
      },
      pick: (input) => input,
    },
  },
  async (k) => expect(k.summary().outputs.pick).toEqual({ a: 10, c: 12 }),
);

story(
  'Translate all pages',
  'S143 S145 a map keeps the order of its items, and goes on where one of them fails',
  {
    ends: 'partial',
    input: { pages: ['one', 'two', 'three'] },
    handlers: {
      translate: (page) => {
        if (page === 'two') throw new Error('cannot be translated');
        return page === 'one' ? 'eins' : 'drei';
      },
      bind: (pages) => pages,
    },
  },
  async (k) => expect(k.summary().outputs.bind).toEqual(['eins', null, 'drei']),
);

story(
  'Search until it is answered',
  'S142 a loop repeats its body until its condition holds, and each iteration knows the one before',
  {
    handlers: {
      search: (loop) => ({ ok: true, action: 'more', output: loop.iteration }),
      judge: (hits) => ({ enough: hits === 2, notes: `${hits} read` }),
      answer: ({ notes }) => notes,
    },
  },
  async (k) => {
    expect(k.summary().outputs).toMatchObject({
      research: { exit: 'until', iterations: 2, last: '2 read' },
      answer: '2 read',
    });
  },
);

story(
  'Order and deliver',
  'S148 the output of a subplan is what its plan says',
  {
    handlers: {
      order: () => ({ item: 'book' }),
      pack: ({ item }) => `a box with a ${item}`,
      ship: (box) => ({ parcel: box }),
      invoice: (parcel) => `for ${parcel}`,
    },
  },
  async (k) => {
    const [child = ''] = childrenOf(k);
    expect(k.status(child)).toBe('completed');
    expect(k.summary().outputs.invoice).toBe('for a box with a book');
  },
);

story(
  'Remind after two days',
  'S140 S209 a sleep goes on over a stop of the process, and is due when it was',
  { handlers: { mail: () => 'sent' } },
  async (k) => {
    await k.advance(86_400_000);
    await k.restart();
    await k.advance(86_399_999);
    expect(k.status()).toBe('running');
    await k.advance(1);
  },
);

story(
  'Ship when it is paid',
  'S139 a signal sets going what waits for it, once',
  { handlers: { order: () => 1, ship: ({ amount }) => amount } },
  async (k) => {
    const paid = { type: 'signal.send', id: 'payment-1', name: 'paid' } as const;
    await expect(k.send({ ...paid, payload: 'much' })).rejects.toMatchObject({
      code: 'signal-invalid',
    });
    await k.send({ ...paid, payload: { amount: 10 } });
    await k.settle();
    expect(k.summary().outputs.ship).toBe(10);
  },
);

// Failures and retries ------------------------------------------------------------------------

story(
  'By class of failure',
  'S110 S112 S114 a fallback works in place of what timed out, and what follows gets its output',
  {
    handlers: {
      'price-service': never,
      'price-list': ({ error }) => ({ from: 'list', because: error.class }),
      offer: (price) => price,
    },
  },
  async (k) => {
    await k.advance(5_000);
    expect(k.summary().outputs.offer).toEqual({ from: 'list', because: 'timeout' });
  },
);

story(
  'Back to the draft',
  'S117 a failure goes back to the node it names, and all that follows begins anew',
  {
    handlers: {
      draft: (_input, { generation }) => `draft ${generation}`,
      check: (draft) =>
        draft === 'draft 1'
          ? { ok: false, error: { class: 'rejected', message: 'too long' } }
          : draft,
      publish: (draft) => draft,
    },
  },
  async (k) => {
    expect(k.summary().outputs.publish).toBe('draft 2');
    expect(startsOf(k)).toEqual(['draft#1', 'check#1', 'draft#1', 'check#1', 'publish#1']);
  },
);

story(
  'First a better agent, then a person',
  'S118 an escalation turns to one level after another',
  {
    handlers: {
      agent: inTurn(new Error('no idea')),
      'better-agent': inTurn(new Error('no idea either')),
    },
  },
  async (k) => {
    const answer = { decision: 'accept', output: 42 };
    await k.respond('answer', answer, 'support@example.org');
    await k.settle();
    expect(k.summary().outputs.answer).toBe(42);
  },
);

story(
  'A person looks at it',
  'S112 a reviewer accepts an output in place of what failed, and the run goes on with it',
  { handlers: { classify: inTurn(new Error('unsure')), route: (value) => value } },
  async (k) => {
    await k.respond('classify', { decision: 'accept', output: 'invoice' });
    await k.settle();
    expect(k.summary().outputs.route).toBe('invoice');
  },
);

story(
  'Somebody reads it first',
  'S234 S204 a person judges with a score, and sees the next draft with what was said of the first',
  {
    handlers: {
      writer: (_input, { feedback }) => ({
        text: (feedback[0]?.requiredEdits as string[] | undefined)?.[0] ?? 'a first draft',
      }),
    },
  },
  async (k) => {
    const answer = { score: 4, requiredEdits: ['a better one'] };
    await k.send(answerTo(k, 'write', answer, { responder: 'ann' }));
    await k.settle();
    const [second] = k.openTasks();
    expect(JSON.parse(second?.presentedJson ?? '')).toMatchObject({
      output: { text: 'a better one' },
      threshold: 7,
      history: [{ outcome: 'changes-requested', responder: 'ann' }],
    });
    await k.send(answerTo(k, 'write', { score: 8 }, { responder: 'ann' }));
    await k.settle();
    expect(k.summary().outputs.write).toEqual({ text: 'a better one' });
  },
);

story(
  'An answer that is good enough',
  'S234 S204 S205 handlers and people judge an answer, which is asked for again with what they said',
  { handlers: { judge: inTurn(false, true), launch: (input) => input } },
  async (k) => {
    const say = (response: JsonValue, responder: string) =>
      k.send(answerTo(k, 'brief', response, { responder }));
    await expect(say({ text: 'Shoes' }, 'ann')).rejects.toMatchObject({ code: 'response-invalid' });
    await say({ text: 'Shoes, in spring' }, 'ann');
    await k.settle();
    const [task] = k.openTasks();
    expect(JSON.parse(task?.presentedJson ?? '')).toMatchObject({
      history: [
        {
          outcome: 'refused',
          output: { text: 'Shoes, in spring' },
          issues: [{ message: 'Name a date' }],
        },
      ],
    });
    await say({ text: 'Shoes, on the first of May' }, 'ann');
    await k.settle();
    const own = say({ approved: true }, 'ann');
    await expect(own).rejects.toMatchObject({ code: 'responder-excluded' });
    await say({ approved: true }, 'bob');
    await k.settle();
    expect(k.summary().outputs.launch).toEqual({ text: 'Shoes, on the first of May' });
  },
);

story(
  'Write a brief that is good enough',
  'S99 S101 S234 a blocking check fails the attempt, a warning makes the node partial, a judge has a threshold',
  {
    ends: 'partial',
    handlers: {
      writer: (_input, { attempt }) => {
        const text = attempt === 1 ? 'short' : 'longer than it was to be';
        return {
          ok: true,
          output: { sources: attempt === 1 ? [] : ['a book'] },
          artifacts: [{ name: 'brief', kind: 'json', payload: { title: 'T', text } }],
        };
      },
      judge: ({ output }) => ({ score: output.sources.length > 0 ? 0.9 : 0 }),
      mail: (input) => input,
    },
  },
  async (k) => {
    const standings = k.rows().artifacts.map(({ standing }) => standing);
    expect(standings).toEqual(['rejected', 'accepted']);
    expect(k.summary().nodes).toEqual({ write: 'partial', send: 'completed' });
  },
);

story(
  'Fetch with patience',
  'S105 S108 S110 a silent attempt is over when it gives no sign of life, and the next one waits longer',
  {
    handlers: {
      'http-get': (_input, { attempt }) => {
        if (attempt === 1) throw new Error('no answer');
        return attempt === 2 ? never() : 'page';
      },
    },
  },
  async (k) => {
    await k.advance(500);
    await k.advance(10_000);
    await k.advance(1_000);
    expect(k.summary().outputs.fetch).toBe('page');
  },
);

const undone: unknown[] = [];

story(
  'Book a trip',
  'S123 compensations run one by one, the newest first, before the run ends as failed',
  {
    ends: 'failed',
    handlers: {
      'book-flight': () => 'F1',
      'book-hotel': () => 'H1',
      'book-car': inTurn(new Error('no car')),
      'cancel-hotel': ({ output }) => undone.push(output),
      'cancel-flight': ({ output }) => undone.push(output),
    },
  },
  async (k) => {
    expect(undone).toEqual(['H1', 'F1']);
    expect(JSON.parse(k.rows().record.reasonJson ?? '')).toMatchObject({ message: 'no car' });
  },
);

// The run as a whole --------------------------------------------------------------------------

story(
  'An agent on a budget',
  'S61 S213 a person is asked for more when the budget is used up, and what is due waits for the answer',
  {
    handlers: {
      agent: (_input, { node }) => {
        return { ok: true, output: 'done', usage: { cost: node === 'think' ? 1.5 : 0.25 } };
      },
    },
  },
  async (k) => {
    expect(k.status()).toBe('awaiting-human');
    expect(startsOf(k)).toEqual(['think#1']);
    await k.respond('', { approved: true });
    await k.settle();
    expect(startsOf(k)).toEqual(['think#1', 'act#1']);
  },
);

story(
  'Plan and do',
  'S150 a node adds another, and a join that was there waits for it',
  {
    handlers: {
      planner: () => ({
        ok: true,
        add: {
          nodes: [{ kind: 'action', id: 'build', handler: 'do' }],
          edges: [
            { source: 'plan', target: 'build' },
            { source: 'build', target: 'done' },
          ],
        },
      }),
      do: (_input, { node }) => `${node} done`,
      report: (input) => Object.keys(input),
    },
  },
  async (k) => expect(k.summary().outputs.report).toEqual(['prepare', 'build']),
);

story(
  'Build and deploy',
  'S63 a run that is taken step by step starts what is due, and nothing after it',
  { settings: { isStepwise: true }, handlers: { make: (_input, { node }) => node } },
  async (k) => {
    expect(startsOf(k)).toEqual([]);
    await k.send({ type: 'run.step' });
    await k.settle();
    expect(startsOf(k)).toEqual(['build#1']);
    await k.send({ type: 'run.step' });
    await k.settle();
    expect(startsOf(k)).toEqual(['build#1', 'deploy#1']);
  },
);
