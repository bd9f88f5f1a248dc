import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_PORT } from '../../config/settings.js';
import { ExternalHandler, type Handler, type LocalHandler, VersionedHandler } from '../../index.js';
import { connect, echo, type WorkerFunctions, type WorkerLogger } from '../../worker/index.js';
import { command, type Finish, finishing } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { UsageError } from '../failure.js';
import { loadApplication } from '../files.js';
import { clean, note, print } from '../output.js';

interface WorkerCommandOptions {
  readonly url: string;
  readonly handlers?: string;
  readonly only?: readonly string[];
  readonly echo?: readonly string[];
  readonly name?: string;
  readonly concurrency: number;
  readonly drain: number;
}

/** Does work for a server, in a process of its own, until it is told to stop. */
export function workerCommand(finish: Finish): Command {
  return command('worker', 'do the work of runs from outside: claim it at a server, and answer')
    .option('--url <url>', 'the server', `http://127.0.0.1:${DEFAULT_PORT}`)
    .option('--handlers <module>', 'ES module that exports the handlers')
    .option('--only <capability...>', 'do the work of these handlers only')
    .option('--echo <capability...>', 'give back the input for these, to try things out')
    .option('--name <name>', 'name in the logs of runs (default: host and process)')
    .option('--concurrency <n>', 'attempts at work at the same time', parseCount, 1)
    .option('--drain <ms>', 'how long work may go on once told to stop', parseCount, 30_000)
    .action(finishing(finish, work));
}

async function work(options: WorkerCommandOptions): Promise<ExitCode> {
  const { url, concurrency, drain, name } = options;
  const token = process.env.RUNCHART_TOKEN;
  const worker = connectTo(url, token).work(await functionsOf(options), {
    concurrency: Math.min(100, concurrency),
    drainMs: drain,
    logger: NOTES,
    ...(name !== undefined && { name }),
    onEnd: ({ key }, end) => print(`${end} ${key}`),
  });
  print(`Worker ${worker.name} asks ${url} for work (process ${process.pid})`);
  await worker.done;
  return EXIT.ok;
}

function connectTo(url: string, token: string | undefined) {
  try {
    return connect(url, token);
  } catch {
    throw new UsageError(`${url} is no URL`, { hint: 'name the server with --url' });
  }
}

async function functionsOf(options: WorkerCommandOptions): Promise<WorkerFunctions> {
  const { handlers } = await loadApplication(options.handlers);
  const missing = options.only?.find((key) => handlers[key] === undefined);
  if (missing !== undefined) throw new UsageError(`there is no handler "${missing}"`);
  const functions = Object.fromEntries([
    ...(options.only ?? Object.keys(handlers)).flatMap((key) => doable(key, handlers[key])),
    ...(options.echo ?? []).map((key) => [key, echo] as const),
  ]);
  if (Object.keys(functions).length > 0) return functions as WorkerFunctions;
  throw new UsageError('the worker can do nothing', { hint: 'name --handlers, or --echo' });
}

/** What is done elsewhere again is none of its affair. */
function doable(
  key: string,
  handler: Handler | undefined,
): readonly (readonly [string, LocalHandler])[] {
  if (handler === undefined || handler instanceof ExternalHandler) return [];
  if (!(handler instanceof VersionedHandler)) return [[key, handler]];
  return [...handler.versions].map(([version, one]) => [`${key}@${version}`, one]);
}

const NOTES: WorkerLogger = {
  debug() {},
  info() {},
  warn: (fields, message) => note(clean(`warning: ${message}${told(fields)}`)),
  error: (fields, message) => note(clean(`error: ${message}${told(fields)}`)),
};

function told(fields: object): string {
  const { error, key } = fields as { error?: unknown; key?: string };
  const why = error instanceof Error ? `: ${error.message}` : '';
  return `${key === undefined ? '' : ` (${key})`}${why}`;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,9}$/.test(text) && count >= 1) return count;
  throw new InvalidArgumentError('Expected a whole number from 1 on.');
}
