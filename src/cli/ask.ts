/** Asks the person at the terminal. */
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import {
  type JsonObject,
  type JsonValue,
  type Orchestrator,
  RunchartError,
  type TaskView,
} from '../index.js';
import { approve, asksForScore, reject, requestChanges } from './answer.js';
import type { DatabaseOption } from './database.js';
import { reportFailure } from './failure.js';
import { askForm, askRest, type Terminal } from './form.js';
import { note } from './output.js';
import { describeTask, isReview } from './show-tasks.js';

/** Who answers where nobody is named: whoever is logged in. */
export function defaultResponder(): string {
  return userInfo().username;
}

/** Resolves with whether the task was answered; not where the person wants to leave it for later. */
export async function askPerson(
  orchestrator: Orchestrator,
  task: TaskView,
  option: DatabaseOption,
): Promise<boolean> {
  for (;;) {
    const response = await askFor(task, option);
    if (response === undefined) return false;
    if (await tryToRespond(orchestrator, task, response)) return true;
  }
}

/** What the person answers; undefined where he leaves it for later. */
export function askFor(task: TaskView, option: DatabaseOption): Promise<JsonValue | undefined> {
  note(describeTask(task, option));
  return atTerminal((terminal) => readResponse(terminal, task));
}

/** Asking takes somebody who sees the question and can type. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Undefined where the terminal was closed, by Ctrl-D for instance. */
async function atTerminal<T>(ask: (terminal: Terminal) => Promise<T>): Promise<T | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<undefined>((resolve) => {
    terminal.once('close', () => resolve(undefined));
  });
  try {
    return await Promise.race([ask(terminal), closed]);
  } finally {
    terminal.close();
  }
}

/** What the person answers to a task of its kind; undefined where he leaves it for later. */
export function readResponse(terminal: Terminal, task: TaskView): Promise<JsonValue | undefined> {
  const { kind, responseSchema } = task;
  if (isReview(kind)) return choose(terminal, REVIEW, task);
  if (kind === 'human-review-edit') return choose(terminal, EDIT, task);
  if (kind === 'human-input' || kind === 'human-decision' || asksForScore(task)) {
    const ask = async () => askForm(terminal, responseSchema, '');
    return choose(terminal, [{ key: 'n', words: '[n]ow', answer: ask }], task);
  }
  return choose(terminal, APPROVAL, task);
}

/** Something that a person can do with a task, by the letter that he types. */
interface Way {
  readonly key: string;
  readonly words: string;
  answer(terminal: Terminal, task: TaskView): Promise<JsonValue | undefined>;
}

const REVIEW: readonly Way[] = [
  { key: 't', words: '[t]ry again', answer: async () => ({ decision: 'retry' }) },
  { key: 'a', words: '[a]ccept an output', answer: acceptOutput },
  { key: 'g', words: '[g]ive it up', answer: (terminal) => because(terminal, 'abort') },
];

const EDIT: readonly Way[] = [
  { key: 'a', words: '[a]ccept', answer: async () => ({ decision: 'accept' }) },
  {
    key: 'e',
    words: '[e]dit',
    answer: async (terminal, task) => ({
      decision: 'edit',
      output: await askOutput(terminal, task),
    }),
  },
  {
    key: 's',
    words: '[s]end back',
    answer: async (terminal) => ({
      decision: 'send-back',
      requiredEdits: [await terminal.question('what has to change? ')],
    }),
  },
  { key: 'r', words: '[r]eject', answer: (terminal) => because(terminal, 'reject') },
];

const APPROVAL: readonly Way[] = [
  { key: 'a', words: '[a]pprove', answer: (terminal, task) => rest(terminal, task, approve(task)) },
  {
    key: 'c',
    words: 'request [c]hanges',
    answer: async (terminal, task) =>
      rest(terminal, task, requestChanges([await terminal.question('what has to change? ')])),
  },
  {
    key: 'r',
    words: '[r]eject',
    answer: async (terminal, task) =>
      rest(terminal, task, reject(task, await terminal.question('why? '))),
  },
];

async function choose(
  terminal: Terminal,
  ways: readonly Way[],
  task: TaskView,
): Promise<JsonValue | undefined> {
  const words = ways.map((way) => way.words).join(', ');
  for (;;) {
    const typed = (await terminal.question(`${words}, or [l]ater? `)).trim().toLowerCase();
    if (typed.startsWith('l')) return undefined;
    const way = ways.find(({ key }) => typed.startsWith(key));
    if (way !== undefined) return way.answer(terminal, task);
  }
}

async function because(terminal: Terminal, decision: string): Promise<JsonObject> {
  return { decision, comments: await terminal.question('why? ') };
}

async function acceptOutput(terminal: Terminal, task: TaskView): Promise<JsonObject> {
  return { decision: 'accept', output: await askOutput(terminal, task) };
}

async function askOutput(terminal: Terminal, { responseSchema }: TaskView): Promise<JsonValue> {
  const { properties } = responseSchema as { readonly properties?: JsonObject };
  return (await askForm(terminal, properties?.output ?? {}, 'the output')) ?? null;
}

/** What else the author of the plan wants to know. */
function rest(terminal: Terminal, task: TaskView, answer: JsonObject): Promise<JsonObject> {
  return askRest(terminal, task.responseSchema, answer);
}

async function tryToRespond(
  orchestrator: Orchestrator,
  task: TaskView,
  response: JsonValue,
): Promise<boolean> {
  try {
    const { digest } = task;
    await orchestrator.respond(task.id, { response, responder: defaultResponder(), digest });
    return true;
  } catch (error) {
    if (!(error instanceof RunchartError)) throw error;
    reportFailure(error);
    return error.code === 'task-closed';
  }
}
