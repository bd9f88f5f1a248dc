/** Asks the person at the terminal. */
import { userInfo } from 'node:os';
import { createInterface, type Interface } from 'node:readline/promises';
import {
  type JsonObject,
  type JsonValue,
  type Orchestrator,
  RunchartError,
  type TaskView,
} from '../index.js';
import { approve, reject, requestChanges } from './answer.js';
import type { DatabaseOption } from './database.js';
import { reportFailure } from './failure.js';
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
  note(describeTask(task, option));
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    for (;;) {
      const response = isReview(task.kind)
        ? await readReview(terminal)
        : await readAnswer(terminal);
      if (response === 'later') return false;
      if (await tryToRespond(orchestrator, task, response)) return true;
    }
  } catch {
    // The terminal was closed, by Ctrl-D for instance.
    return false;
  } finally {
    terminal.close();
  }
}

async function readAnswer(terminal: Interface): Promise<JsonObject | 'later'> {
  for (;;) {
    const word = await terminal.question('[a]pprove, request [c]hanges, [r]eject, or [l]ater? ');
    switch (word.trim().toLowerCase().charAt(0)) {
      case 'a':
        return approve();
      case 'c':
        return requestChanges([await terminal.question('what has to change? ')]);
      case 'r':
        return reject(await terminal.question('why? '));
      case 'l':
        return 'later';
    }
  }
}

async function readReview(terminal: Interface): Promise<JsonObject | 'later'> {
  for (;;) {
    const word = await terminal.question(
      '[t]ry again, [a]ccept an output, [g]ive it up, or [l]ater? ',
    );
    switch (word.trim().toLowerCase().charAt(0)) {
      case 't':
        return { decision: 'retry' };
      case 'a':
        return { decision: 'accept', output: await readOutput(terminal) };
      case 'g':
        return { decision: 'abort', comments: await terminal.question('why? ') };
      case 'l':
        return 'later';
    }
  }
}

async function readOutput(terminal: Interface): Promise<JsonValue> {
  for (;;) {
    const text = await terminal.question('the output, as JSON: ');
    try {
      return JSON.parse(text) as JsonValue;
    } catch {
      note('that is no JSON');
    }
  }
}

async function tryToRespond(
  orchestrator: Orchestrator,
  task: TaskView,
  response: JsonObject,
): Promise<boolean> {
  try {
    await orchestrator.respond(task.id, { response, responder: defaultResponder() });
    return true;
  } catch (error) {
    if (!(error instanceof RunchartError)) throw error;
    reportFailure(error);
    return error.code === 'task-closed';
  }
}
