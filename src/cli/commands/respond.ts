import type { Command } from 'commander';
import type { RespondOptions as Answer, JsonValue, TaskView } from '../../index.js';
import { approve, reject, requestChanges } from '../answer.js';
import { askFor, canAsk, defaultResponder } from '../ask.js';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { conductRun } from '../conduct.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { UsageError } from '../failure.js';
import { readValue } from '../files.js';
import { note, print } from '../output.js';
import { findRun, findTask, type HandlersOption, hostFor } from '../stored-run.js';

interface RespondOptions extends HandlersOption {
  readonly approve?: string | true;
  readonly reject?: string | true;
  readonly requestChanges?: string[];
  readonly response?: string;
  readonly score?: string;
  readonly artifacts?: string;
  readonly as?: string;
  readonly comment?: string;
  readonly digest?: string;
  readonly messageId?: string;
}

/** Answers a human task. */
export function respondCommand(finish: Finish): Command {
  return databaseCommand('respond', 'answer a task; without a server, the run then goes on here')
    .argument('<task>', 'id of the task, or of a run that has only one open')
    .option('--approve [comment]', 'approve')
    .option('--request-changes <change...>', 'ask for changes')
    .option('--reject [comment]', 'reject')
    .option(
      '--response <file>',
      'any other response: a file, - for standard input, or JSON in place',
    )
    .option('--score <number>', 'how good it is, where that is asked')
    .option(
      '--artifacts <file>',
      'what is handed over with the answer: a list of {name, kind, pointer or payload}, as --response',
    )
    .option('--as <name>', 'who answers (default: the name you are logged in with)')
    .option('--comment <text>', 'kept with the answer')
    .option('--digest <digest>', 'what you were shown; anything else refuses the answer')
    .option('--message-id <id>', 'names this answer: the same again is the same one')
    .option('--handlers <module>', 'handlers, where they are not those of the start')
    .action(finishing(finish, respond));
}

async function respond(id: string, options: RespondOptions): Promise<ExitCode> {
  const task = await findTask(id, options);
  const answer = await readAnswer(task, options);
  if (answer === undefined) return EXIT.awaitingHuman;
  const run = await findRun(task.run, options);
  const host = await hostFor(run, options);
  if (host.is === 'elsewhere') {
    const { outcome } = await host.owner.respond(task.id, answer);
    print(`task ${task.id} is answered: ${outcome}`);
    return EXIT.ok;
  }
  const { orchestrator } = host;
  try {
    // What a stopped process left in motion goes on first; a paused run stays as it is.
    if (run.status !== 'paused' && task.status === 'open') await orchestrator.resume(run.id);
    const { seq } = await orchestrator.runs.head(run.id);
    const { outcome } = await orchestrator.respond(task.id, answer);
    note(`task ${task.id} is answered: ${outcome}`);
    return await conductRun(orchestrator, run.id, options, seq);
  } finally {
    await orchestrator.close();
  }
}

/** Undefined where the person at the terminal leaves it for later. */
async function readAnswer(task: TaskView, options: RespondOptions): Promise<Answer | undefined> {
  const { as, comment, digest = task.digest, messageId } = options;
  const isAsked = !ANSWERS.some((option) => options[option] !== undefined);
  const response =
    isAsked && canAsk() ? await askFor(task, options) : await readResponse(task, options);
  if (response === undefined) return undefined;
  const artifacts = await readArtifacts(options);
  return {
    response,
    responder: as ?? defaultResponder(),
    digest,
    ...(artifacts !== undefined && { artifacts }),
    ...(comment !== undefined && { comment }),
    ...(messageId !== undefined && { messageId }),
  };
}

const ANSWERS = ['approve', 'reject', 'requestChanges', 'response', 'score'] as const;

async function readResponse(task: TaskView, options: RespondOptions): Promise<JsonValue> {
  const given: JsonValue[] = [];
  if (options.approve !== undefined) given.push(approve(task, textOf(options.approve)));
  if (options.reject !== undefined) given.push(reject(task, textOf(options.reject)));
  if (options.requestChanges !== undefined) given.push(requestChanges(options.requestChanges));
  if (options.response !== undefined) given.push(await readValue(options.response));
  if (options.score !== undefined) given.push({ score: readScore(options.score) });
  const [response] = given;
  if (given.length === 1 && response !== undefined) return response;
  throw new UsageError(given.length === 0 ? 'no answer is given' : 'several answers are given', {
    hint: 'give one of --approve, --request-changes, --reject, --score, --response',
  });
}

function readScore(text: string): number {
  const score = Number(text);
  if (text.trim() !== '' && Number.isFinite(score)) return score;
  throw new UsageError(`"${text}" is no score`, { hint: 'give a number' });
}

/** What is in the list is for the task to say. */
async function readArtifacts({ artifacts }: RespondOptions): Promise<Answer['artifacts']> {
  if (artifacts === undefined) return undefined;
  const list = await readValue(artifacts);
  if (Array.isArray(list)) return list as unknown as Answer['artifacts'];
  throw new UsageError('the artifacts are no list', {
    hint: 'give a list of {name, kind, pointer} or {name, kind, payload}',
  });
}

function textOf(value: string | true): string | undefined {
  return value === true ? undefined : value;
}
