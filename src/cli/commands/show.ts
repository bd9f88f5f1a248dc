import { type Command, InvalidArgumentError } from 'commander';
import type { AttemptView, IssueView, NodeRunView, RunDetails, RunState } from '../../index.js';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, reading } from '../database.js';
import { clean, oneLine, print, printJson, table, when } from '../output.js';
import type { RunReads } from '../run-reads.js';
import { artifactTable, contentOf } from '../show-artifacts.js';
import { describeTask } from '../show-tasks.js';

const ATTEMPTS_AT_A_TIME = 100;
/** Characters of an input in the table; `--json` has all of it. */
const MAX_INPUT = 80;

interface ShowOptions extends DatabaseOption {
  readonly artifact?: string;
  readonly at?: number;
  readonly node?: string;
  readonly json?: true;
}

/** Shows how a run stands. */
export function showCommand(finish: Finish): Command {
  return addJson(databaseCommand('show', 'show a run: its nodes, open tasks and artifacts'))
    .argument('<run>')
    .option('--artifact <name>', 'print the newest version of an artifact instead')
    .option('--node <path>', 'show the attempts of a node instead, with what each was given')
    .option('--at <event>', 'show the run as it was at the event with this number', parseEvent)
    .action(
      finishing(finish, (id: string, options: ShowOptions) =>
        reading(options, (runs) => show(runs, id, options)),
      ),
    );
}

async function show(runs: RunReads, id: string, options: ShowOptions): Promise<undefined> {
  if (options.at !== undefined) return printState(await runs.stateAt(id, options.at), options);
  if (options.node !== undefined) return printAttempts(runs, id, options.node, options);
  if (options.artifact !== undefined) return printArtifact(runs, id, options.artifact, options);
  const details = await runs.details(id);
  if (options.json) return void printJson(details);
  const { title } = await runs.plan(details.plan);
  for (const part of describeRun(details, title, options)) print(part);
  return undefined;
}

function printState(state: RunState, { json }: ShowOptions): undefined {
  if (json) return void printJson(state);
  const { run, seq, status, cause, at, nodes } = state;
  print(clean(`run ${run} at event ${seq} was ${status}, ${when(at)} UTC, after ${cause}`));
  print(`\n${table([['NODE', 'STATUS', 'ATTEMPT', 'WHY'], ...nodes.map(toRow)])}`);
}

/** Reads the number of an event. */
export function parseEvent(text: string): number {
  const seq = Number(text);
  if (Number.isSafeInteger(seq) && seq > 0) return seq;
  throw new InvalidArgumentError('Expected the number of an event.');
}

function* describeRun(details: RunDetails, title: string, option: DatabaseOption) {
  const { id, status, createdAt, endedAt, reason, nodes, artifacts, issues, tasks } = details;
  yield clean(`run ${id} of "${title}" is ${status}`);
  if (reason !== null) yield clean(`reason: ${String(reason.message ?? reason.code)}`);
  yield `created ${when(createdAt)}${endedAt === null ? '' : `, ended ${when(endedAt)}`} UTC`;
  yield '';
  yield table([['NODE', 'STATUS', 'ATTEMPT', 'WHY'], ...nodes.map(toRow)]);
  if (artifacts.length > 0) {
    yield '';
    yield artifactTable(artifacts);
  }
  if (issues.length > 0) {
    yield '';
    yield table([['ISSUE', 'SEVERITY', 'NODE', 'ATTEMPT', 'WHAT'], ...issues.map(issueRow)]);
  }
  for (const task of tasks) yield `\n${describeTask(task, option)}`;
}

/** Oldest first, whatever generation they are of. */
async function printAttempts(
  runs: RunReads,
  id: string,
  node: string,
  { json }: ShowOptions,
): Promise<undefined> {
  const { status } = await runs.why(id, node);
  const attempts = await allAttempts(runs, id, node);
  if (json) return void printJson(attempts);
  print(clean(`node ${node} of run ${id} is ${status}`));
  if (attempts.length === 0) return void print('no attempts');
  const head = ['GENERATION', 'ATTEMPT', 'STARTED', 'OUTCOME', 'INPUT', 'WHY'];
  print(`\n${table([head, ...attempts.map(attemptRow)])}`);
}

async function allAttempts(runs: RunReads, id: string, node: string): Promise<AttemptView[]> {
  const found: AttemptView[] = [];
  for (;;) {
    const after = found.at(-1);
    const page = await runs.attempts(id, node, {
      limit: ATTEMPTS_AT_A_TIME,
      ...(after !== undefined && { after }),
    });
    found.push(...page);
    if (page.length < ATTEMPTS_AT_A_TIME) return found;
  }
}

function attemptRow({
  generation,
  attempt,
  startedAt,
  outcome,
  input,
  error,
}: AttemptView): string[] {
  return [
    String(generation),
    String(attempt),
    when(startedAt),
    outcome ?? 'open',
    oneLine(input === undefined ? '' : JSON.stringify(input), MAX_INPUT),
    oneLine(String(error?.message ?? '')),
  ];
}

function toRow({ node, status, attempt, reason, outcome, action }: NodeRunView): string[] {
  const why = reason?.message ?? reason?.code ?? outcome ?? action ?? '';
  return [node, status, attempt === 0 ? '' : String(attempt), oneLine(String(why))];
}

function issueRow({ code, severity, node, attempt, message }: IssueView): string[] {
  return [code, severity, node, attempt === 0 ? '' : String(attempt), oneLine(message)];
}

async function printArtifact(
  runs: RunReads,
  id: string,
  name: string,
  { json }: ShowOptions,
): Promise<undefined> {
  const artifact = await runs.artifact(id, name);
  if (json) printJson(artifact);
  else process.stdout.write(contentOf(artifact));
}
