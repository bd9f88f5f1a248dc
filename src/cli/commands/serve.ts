import { type Command, InvalidArgumentError } from 'commander';
import { pino } from 'pino';
import { createHttpApp, type OfferedPlan } from '../../http/app.js';
import { DEFAULT_PORT, isLoopbackHost, listen } from '../../http/server.js';
import { createOrchestrator, type Orchestrator } from '../../index.js';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, databaseOf, prepareFolder } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { UsageError } from '../failure.js';
import { loadApplication, planName, requirePlan } from '../files.js';
import { metadataFor } from '../metadata.js';
import { note, print } from '../output.js';
import { catchStopSignals } from '../stop-signals.js';

interface ServeOptions extends DatabaseOption {
  readonly handlers?: string;
  readonly port: number;
  readonly host: string;
  readonly requireTokens?: true;
  readonly start?: string;
}

/** Owns the database, carries its runs, and serves the HTTP API until it is told to stop. */
export function serveCommand(finish: Finish): Command {
  return databaseCommand('serve', 'carry the runs of a database and serve the HTTP API')
    .argument('[plan...]', 'files with the plans to offer')
    .option('--handlers <module>', 'ES module that exports the handlers')
    .option('--start <plan>', 'start a run of this plan, once per database')
    .option(
      '--host <address>',
      'address to listen on; beyond loopback with tokens only',
      '127.0.0.1',
    )
    .option('--require-tokens', 'ask for a token on loopback too')
    .option('--port <port>', 'port; 0 takes a free one', parsePort, DEFAULT_PORT)
    .action(finishing(finish, serve));
}

async function serve(files: string[], options: ServeOptions): Promise<ExitCode> {
  const plans = await readPlans(files, options.handlers);
  const application = await loadApplication(options.handlers);
  const logger = pino({ level: process.env.RUNCHART_LOG ?? 'warn' }, pino.destination(2));
  const database = databaseOf(options);
  prepareFolder(database);
  const closing = new AbortController();
  const signals = catchStopSignals(() =>
    note('stopping: handlers at work may finish; once more ends it at once'),
  );
  const orchestrator = await createOrchestrator({ url: database, ...application, logger });
  try {
    const tokens = await tokensFor(orchestrator, options);
    const app = createHttpApp(orchestrator, {
      plans,
      tokens,
      closing: closing.signal,
      onInternalError: (error) => logger.error({ err: error }, 'a request met an error'),
    });
    const server = await listenOn(app, options, tokens);
    await orchestrator.announce(server.url);
    print(`Runchart serves ${server.url} (process ${process.pid}, database ${database})`);
    print(
      tokens === 'required'
        ? 'Every request but for health needs a token.'
        : 'Only programs on this machine can reach it: it listens on loopback and asks for no token.',
    );
    print(`Plans: ${Object.keys(plans).join(', ') || 'none'}`);
    if (options.start !== undefined) await startOnce(orchestrator, plans, options.start);
    await signals.stopped;
    const closed = server.stopListening();
    closing.abort();
    await orchestrator.close();
    server.closeConnections();
    await closed;
    return EXIT.ok;
  } finally {
    await orchestrator.close();
    signals.release();
  }
}

/** The id is made of the plan's name: the same start again is the same run. */
async function startOnce(
  orchestrator: Orchestrator,
  plans: Record<string, OfferedPlan>,
  name: string,
): Promise<void> {
  const offered = plans[name];
  if (offered === undefined) throw new UsageError(`no plan "${name}" is offered`);
  const id = `first-${name}`;
  const { plan, metadata = {} } = offered;
  const { created } = await orchestrator.start(plan, { id, metadata });
  const { status } = await orchestrator.runs.summary(id);
  print(`Run ${id} ${created ? 'has started' : `is ${status}`}: npx runchart show ${id}`);
}

async function readPlans(
  files: readonly string[],
  handlers: string | undefined,
): Promise<Record<string, OfferedPlan>> {
  const plans: Record<string, OfferedPlan> = {};
  for (const file of files) {
    const { plan } = await requirePlan(file);
    plans[planName(file)] = { plan, metadata: metadataFor(handlers) };
  }
  return plans;
}

/** Beyond loopback a token is needed. Throws where there is none, so that nobody could come in. */
async function tokensFor(
  { access }: Orchestrator,
  { host, requireTokens }: ServeOptions,
): Promise<'required' | 'optional'> {
  if (isLoopbackHost(host) && requireTokens !== true) return 'optional';
  if (await access.hasTokens()) return 'required';
  throw new UsageError('nobody could come in: there is no token', {
    hint: 'make one with: npx runchart token create NAME --role admin',
  });
}

async function listenOn(
  app: ReturnType<typeof createHttpApp>,
  { host, port }: ServeOptions,
  tokens: 'required' | 'optional',
) {
  try {
    return await listen(app, port, { host, needsTokens: tokens === 'required' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new UsageError(`port ${port} is taken`, { hint: 'name another with --port' });
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a number from 0 to 65535.');
}
