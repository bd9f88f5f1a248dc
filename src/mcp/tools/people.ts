/** People: asked, and what they said. No tool answers for them. */
import { z } from 'zod';
import type { JsonObject } from '../../plan/json.js';
import type { Plan } from '../../plan/schema.js';
import type { TaskView } from '../../views.js';
import { inShort } from '../answer.js';
import { aside, cut, pageOf, shown } from '../bounded.js';
import * as input from '../inputs.js';
import { tool } from '../tool.js';

const MAX_TITLE = 120;
const person = z.array(input.name).min(1).max(100);

const askPerson = tool({
  name: 'ask_person',
  title: 'Ask a person',
  description:
    'Asks a person, durably: starts a run of one node that waits for the answer, however long that takes. `input` asks for a value (with a JSON Schema if given), `approval` for approved, rejected or changes-requested, `decision` for one of `options`. Answers with the run and the task; wait with wait_for_run, then read the answer with read_task. To ask in the middle of a run, replan it with a human node instead.',
  role: 'operator',
  changes: 'adds',
  isIdempotent: false,
  input: z
    .strictObject({
      question: z.string().min(1).max(16_384).describe('What is asked'),
      kind: z.enum(['input', 'approval', 'decision']).default('input'),
      context: input.jsonObject.optional().describe('What the person needs to see to answer'),
      options: z
        .array(z.strictObject({ id: input.name, description: z.string().max(16_384).optional() }))
        .min(1)
        .max(256)
        .optional()
        .describe('What there is to choose from, for a decision'),
      answerSchema: input.jsonObject.optional().describe('JSON Schema of the answer to an input'),
      responders: person.optional().describe('Who may answer; anybody unless given'),
      groups: person.optional().describe('Groups whose members may answer'),
      deadlineMs: z.int().min(1).optional().describe('How long there is to answer'),
      id: input.run.optional().describe('Id for the run that asks'),
      idempotencyKey: input.idempotencyKey.optional(),
    })
    .refine(({ kind, options }) => (kind === 'decision') === (options !== undefined), {
      error: 'A decision has options, and nothing else has',
      path: ['options'],
    })
    .refine(({ kind, answerSchema }) => kind === 'input' || answerSchema === undefined, {
      error: 'Only an input has an answerSchema',
      path: ['answerSchema'],
    }),
  async call({ context = {}, id, idempotencyKey, ...question }, { host }) {
    const { id: run, created } = await host.start(planThatAsks(question), {
      input: context,
      ...(id !== undefined && { id }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    });
    const { status, plan } = await host.runs.summary(run);
    const [task] = await host.tasks.list({ run, limit: 1 });
    return {
      message: created ? `it is asked, as run ${run}` : `it was asked before, as run ${run}`,
      status,
      changedNodeId: ASKING_NODE,
      plan: inShort(plan),
      run,
      created,
      task: task === undefined ? null : taskInShort(task),
    };
  },
});

const ASKING_NODE = 'ask';

interface Question {
  readonly question: string;
  readonly kind: 'input' | 'approval' | 'decision';
  readonly options?: readonly object[];
  readonly answerSchema?: JsonObject;
  readonly responders?: readonly string[];
  readonly groups?: readonly string[];
  readonly deadlineMs?: number;
}

/** A plan of one human node, that is shown the input of its run. */
function planThatAsks({ question, kind, answerSchema, ...given }: Question): Plan {
  const node = {
    id: ASKING_NODE,
    kind: `human-${kind}`,
    instructions: question,
    ...given,
    ...(answerSchema !== undefined && { outputSchema: answerSchema }),
  };
  const title = cut(question.replace(/\s+/g, ' ').trim() || 'A question', MAX_TITLE);
  return { title, nodes: [node], edges: [] } as unknown as Plan;
}

const listTasks = tool({
  name: 'list_tasks',
  title: 'List tasks',
  description: 'Lists what people are asked and have not answered yet, of all runs or of one.',
  role: 'reader',
  changes: 'nothing',
  isIdempotent: true,
  input: z.strictObject({
    run: input.run.optional(),
    answerableBy: input.name.optional().describe('Only what this person may answer now'),
    limit: input.limit,
    after: input.name.optional().describe('Id that ended the page before'),
  }),
  async call({ limit, ...filter }, { host }) {
    const tasks = await host.tasks.list({ ...filter, limit: limit + 1 });
    const { entries, hasMore } = pageOf(tasks.map(taskInShort), limit);
    return {
      message: `${entries.length} open tasks${hasMore ? ', and there are more' : ''}`,
      status: 'ok',
      tasks: entries,
      next: hasMore ? (entries.at(-1)?.id ?? null) : null,
    };
  },
});

const readTask = tool({
  name: 'read_task',
  title: 'Read a task',
  description:
    'Shows what a person is asked, and what was answered. Long texts are read on with `part` and `offset`.',
  role: 'reader',
  changes: 'nothing',
  isIdempotent: true,
  input: z.strictObject({
    task: input.name,
    part: z.enum(['both', 'presented', 'responses']).default('both'),
    offset: input.offset,
  }),
  async call({ task: id, part, offset }, { host }) {
    const task = await host.tasks.get(id);
    const { status, plan } = await host.runs.summary(task.run);
    const responses = (await host.tasks.responses(id)).map(
      ({ responder, response, outcome, comment, at }) => ({
        ...{ responder, response, outcome, comment, at },
      }),
    );
    return {
      message: `task ${id} is ${task.status}, with ${responses.length} answers`,
      status,
      plan: inShort(plan),
      run: task.run,
      task: taskInShort(task),
      ...(part !== 'responses' && { presented: shown(task.presented, offset) }),
      ...(part !== 'presented' && { responses: shown(responses, offset) }),
    };
  },
});

/** A task in a line. */
export function taskInShort({ id, run, node, kind, status, presented, ...task }: TaskView) {
  const { responders, groups, assignee, deadlineAt, openedAt } = task;
  return {
    ...{ id, run, node, kind, status, assignee, deadlineAt, openedAt },
    mayAnswer: aside({ responders, groups }),
    asks: aside(presented.instructions ?? presented.objective ?? presented),
  };
}

export const PEOPLE_TOOLS = [askPerson, listTasks, readTask];
