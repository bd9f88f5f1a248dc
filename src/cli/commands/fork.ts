import type { Command } from 'commander';
import type { ForkedRun, JsonObject, JsonValue } from '../../index.js';
import { type ChangeOptions, changeCommand, changeRun } from '../change-run.js';
import { type Finish, finishing } from '../command.js';
import type { ExitCode } from '../exit-codes.js';
import { UsageError } from '../failure.js';
import { readValue, requirePlan } from '../files.js';

interface ForkCommandOptions extends ChangeOptions {
  readonly at?: string;
  readonly from?: string;
  readonly id?: string;
  readonly plan?: string;
  readonly input?: readonly string[];
}

/** Makes a new run of one as it was; one that failed is tried again from before it did. */
export function forkCommand(finish: Finish): Command {
  return changeCommand('fork', 'make a new run of one as it was at an event')
    .option('--at <event>', 'number of the event (default: the newest, or before it failed)')
    .option('--from <node>', 'begin again with this node and all that rests on it')
    .option('--input <node=json...>', 'input of a node in place of the one that it would get')
    .option('--plan <file>', 'another plan for the new run, JSON or YAML')
    .option('--id <id>', 'id of the new run')
    .action(finishing(finish, fork));
}

async function fork(run: string, options: ForkCommandOptions): Promise<ExitCode> {
  const { from, id } = options;
  const inputs = await readInputs(options.input ?? []);
  const request = {
    ...(options.at !== undefined && { at: readEvent(options.at) }),
    ...(from !== undefined && { from }),
    ...(id !== undefined && { id }),
    ...(inputs !== undefined && { inputs }),
  };
  const plan = options.plan === undefined ? undefined : (await requirePlan(options.plan)).plan;
  return changeRun<ForkedRun>(run, options, {
    verb: 'fork',
    onlyReads: true,
    body: { ...request, ...(plan && { plan: plan as unknown as JsonObject }) },
    here: ({ change }, asked) => change.fork(run, { ...asked, ...request, ...(plan && { plan }) }),
    tell: (forked) => [
      `run ${forked.id} begins at event ${forked.seq} of run ${run}`,
      ...forked.carried.map((node) => `carried over ${node}`),
    ],
    follow: (forked) => forked.id,
  });
}

function readEvent(text: string): number {
  const seq = Number(text);
  if (Number.isSafeInteger(seq)) return seq;
  throw new UsageError(`"${text}" is no number of an event`, {
    hint: 'npx runchart events RUN lists them',
  });
}

async function readInputs(
  texts: readonly string[],
): Promise<Record<string, JsonValue> | undefined> {
  if (texts.length === 0) return undefined;
  const entries = texts.map(async (text) => {
    const [, node, json] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (node !== undefined && json !== undefined)
      return [node, await readJson(node, json)] as const;
    throw new UsageError(`"${text}" names no input`, { hint: 'write it as NODE=JSON' });
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** JSON in place, or a file. */
async function readJson(node: string, text: string): Promise<JsonValue> {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return readValue(text).catch(() => {
      throw new UsageError(`the input of "${node}" is neither JSON nor a file`);
    });
  }
}
