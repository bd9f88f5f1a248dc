/** Owns a database, carries its runs, and serves the HTTP API until it is told to stop. */
import { setTimeout as pause } from 'node:timers/promises';
import { createLogger } from '../config/create-logger.js';
import { orchestratorOptions } from '../config/orchestrator-options.js';
import { type Config, readConfig } from '../config/read-config.js';
import { DEFAULT_DATABASE, DEFAULT_HOST, DEFAULT_PORT, type Settings } from '../config/settings.js';
import { DEFAULT_RATE, DEFAULT_TENANT_RATE, rateOf } from '../http/access/rate-limit.js';
import { createHttpApp, type OfferedPlan } from '../http/app.js';
import { Inspector } from '../http/inspect/inspector.js';
import { type HttpServer, isLoopbackHost, listen } from '../http/server.js';
import { createMetrics, createOrchestrator, type Logger, type Orchestrator } from '../index.js';
import { type DatabaseOption, payloadsOf, prepareFolder } from './database.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { UsageError } from './failure.js';
import { loadApplication, planName, requirePlan } from './files.js';
import { metadataFor } from './metadata.js';
import { note, print } from './output.js';
import { catchStopSignals } from './stop-signals.js';

export interface ServeOptions extends DatabaseOption {
  readonly config?: string;
  readonly keys?: string;
  readonly handlers?: string;
  readonly port?: string;
  readonly host?: string;
  readonly tokens?: string;
  readonly start?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
  readonly shutdownDelay?: string;
  readonly inspect?: true;
}

export async function serve(files: string[], options: ServeOptions): Promise<ExitCode> {
  const config = configOf(files, options);
  const { settings } = config;
  const { handlers } = settings;
  const plans = await readPlans(settings.plans ?? [], handlers);
  const application = await loadApplication(handlers);
  const logger = createLogger({
    level: settings['log.level'] ?? 'warn',
    format: settings['log.format'] ?? 'json',
  });
  const database = settings.database ?? DEFAULT_DATABASE;
  prepareFolder(database);
  const closing = new AbortController();
  let isDraining = false;
  const signals = catchStopSignals(() => {
    isDraining = true;
    note('stopping: handlers at work may finish; once more ends it at once');
  });
  const orchestrator = await createOrchestrator({
    url: database,
    ...payloadsOf(settings),
    ...orchestratorOptions(settings),
    ...application,
    logger,
  });
  try {
    if (options.inspect) refuseWideInspector(settings);
    const tokens = await tokensFor(orchestrator, settings);
    const app = createHttpApp(orchestrator, {
      plans,
      tokens,
      maxStreams: settings['server.maxStreams'],
      maxAllStreams: settings['server.maxAllStreams'],
      rate: rateOf(settings['server.rate'] ?? DEFAULT_RATE),
      tenantRate: rateOf(settings['server.tenantRate'] ?? DEFAULT_TENANT_RATE),
      closing: closing.signal,
      isDraining: () => isDraining,
      metrics: createMetrics(orchestrator),
      onInternalError: (error) => logger.error({ error }, 'a request met an error'),
    });
    const inspector = options.inspect && inspectorOf(orchestrator, logger);
    if (inspector) closing.signal.addEventListener('abort', () => inspector.close());
    const server = await listenOn(app, settings, tokens, inspector);
    await orchestrator.announce(server.url);
    print(`Runchart serves ${server.url} (process ${process.pid}, database ${database})`);
    print(
      tokens === 'required'
        ? 'Every request but for health needs a token.'
        : 'Only programs on this machine can reach it: it listens on loopback and asks for no token.',
    );
    if (inspector) print(`Inspector: ${inspector.pageUrl(server.url)} (good once)`);
    print(`Plans: ${Object.keys(plans).join(', ') || 'none'}`);
    if (settings.start !== undefined) await startOnce(orchestrator, plans, settings.start);
    await signals.stopped;
    // Whoever sends requests here looks whether it is ready, and goes elsewhere.
    await pause(settings['shutdown.delay'] ?? 0);
    await stop(server, closing, orchestrator);
    return EXIT.ok;
  } finally {
    await orchestrator.close();
    signals.release();
    // A handler that ignored its signal may keep the process going: it had its time.
    setTimeout(() => process.exit(), LEFTOVER_MS).unref();
  }
}

/** How long what handlers have left behind may keep the process, in milliseconds. */
const LEFTOVER_MS = 500;

/** Streams and idle connections end first; requests under way are answered, and nothing new begins. */
async function stop(
  server: HttpServer,
  closing: AbortController,
  orchestrator: Orchestrator,
): Promise<void> {
  const closed = server.stopListening();
  closing.abort();
  await orchestrator.close();
  server.closeConnections();
  await closed;
}

function configOf(files: readonly string[], options: ServeOptions): Config {
  return readConfig({
    file: options.config,
    flags: {
      database: options.db,
      keys: options.keys,
      handlers: options.handlers,
      plans: files.length === 0 ? undefined : files,
      start: options.start,
      'server.port': options.port,
      'server.host': options.host,
      'server.tokens': options.tokens,
      'log.level': options.logLevel,
      'log.format': options.logFormat,
      'shutdown.delay': options.shutdownDelay,
    },
  });
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

function inspectorOf(orchestrator: Orchestrator, logger: Logger): Inspector {
  const onInternalError = (error: unknown) =>
    logger.error({ error }, 'a request of the inspector met an error');
  return new Inspector(orchestrator, { onInternalError });
}

/** Its tickets are for this machine: the inspector shows the runs of all tenants. */
function refuseWideInspector({ 'server.host': host = DEFAULT_HOST }: Settings): void {
  if (isLoopbackHost(host)) return;
  throw new UsageError(`the inspector is served on loopback alone, and ${host} is wider`, {
    hint: 'look at the runs beside the server instead: npx runchart inspect RUN',
  });
}

/** Beyond loopback a token is needed. Throws where there is none, so that nobody could come in. */
async function tokensFor(
  { access }: Orchestrator,
  settings: Settings,
): Promise<'required' | 'optional'> {
  const isOpen = settings['server.tokens'] !== 'required';
  if (isOpen && isLoopbackHost(settings['server.host'] ?? DEFAULT_HOST)) return 'optional';
  if (await access.hasTokens()) return 'required';
  throw new UsageError('nobody could come in: there is no token', {
    hint: 'make one with: npx runchart token create NAME --role admin',
  });
}

async function listenOn(
  app: ReturnType<typeof createHttpApp>,
  settings: Settings,
  tokens: 'required' | 'optional',
  inspector: Inspector | undefined,
) {
  const { 'server.host': host = DEFAULT_HOST, 'server.port': port = DEFAULT_PORT } = settings;
  try {
    const { 'server.headersTimeout': headersTimeoutMs, 'server.requestTimeout': requestTimeoutMs } =
      settings;
    const options = {
      ...{ host, needsTokens: tokens === 'required' },
      ...(headersTimeoutMs !== undefined && { headersTimeoutMs }),
      ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
    };
    return await (inspector?.listen(port, app, options) ?? listen(app, port, options));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new UsageError(`port ${port} is taken`, { hint: 'name another with --port' });
  }
}
