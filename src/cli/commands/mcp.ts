import type { Command } from 'commander';
import { PlanCatalog } from '../../http/plan-catalog.js';
import { createOrchestrator, external, type Orchestrator, StorageError } from '../../index.js';
import type { Conversation } from '../../mcp/stdio.js';
import { readVersion } from '../../version.js';
import { type Finish, finishing, localCommand } from '../command.js';
import { type DatabaseOption, databaseOf, payloadsOf, prepareFolder } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { loadApplication, planName, requirePlan } from '../files.js';
import { ownerBehind, WARNINGS } from '../host.js';
import { metadataFor } from '../metadata.js';
import { note } from '../output.js';
import { catchStopSignals, type StopSignals } from '../stop-signals.js';

interface McpCommandOptions extends DatabaseOption {
  readonly url?: string;
  readonly handlers?: string;
  readonly external?: readonly string[];
}

/** Offers the tools to the agent that has started this process, until it goes. */
export function mcpCommand(finish: Finish): Command {
  return localCommand('mcp', 'offer the tools to an agent over standard input and output')
    .argument('[plan...]', 'files with the plans to offer')
    .option('--url <url>', 'a server to talk to, in place of a database')
    .option('--handlers <module>', 'ES module that exports the handlers')
    .option('--external <handler...>', 'handlers whose work is claimed with the tools')
    .action(finishing(finish, offerTools));
}

/** Standard output has messages of the protocol and nothing else. */
async function offerTools(files: string[], options: McpCommandOptions): Promise<ExitCode> {
  const signals = catchStopSignals(() => note('stopping'));
  try {
    if (options.url !== undefined) return await passOn(options.url, signals);
    const orchestrator = await openHere(options);
    if (typeof orchestrator === 'string') return await passOn(orchestrator, signals);
    return await answerHere(orchestrator, files, options, signals);
  } finally {
    signals.release();
  }
}

/** The database as its owner; the address of the server that has it, where there is one. */
async function openHere(options: McpCommandOptions): Promise<Orchestrator | string> {
  const database = databaseOf(options);
  prepareFolder(database);
  const { handlers, ...application } = await loadApplication(options.handlers);
  const outside = (options.external ?? []).map((key) => [key, external()] as const);
  try {
    return await createOrchestrator({
      url: database,
      ...payloadsOf(),
      ...application,
      handlers: { ...handlers, ...Object.fromEntries(outside) },
      logger: WARNINGS,
    });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return ownerBehind(error).address;
  }
}

async function answerHere(
  orchestrator: Orchestrator,
  files: readonly string[],
  { handlers }: McpCommandOptions,
  signals: StopSignals,
): Promise<ExitCode> {
  try {
    const offered = await Promise.all(
      files.map(async (file) => {
        const { plan } = await requirePlan(file);
        return [planName(file), { plan, metadata: metadataFor(handlers) }] as const;
      }),
    );
    const plans = new PlanCatalog(Object.fromEntries(offered), orchestrator);
    const { serveStdio } = await import('../../mcp/stdio.js');
    const conversation = await serveStdio({
      version: readVersion(),
      callerOf: () => ({ host: orchestrator, plans }),
      onInternalError: (error) => note(`error: ${String(error)}`),
    });
    return await untilOver(conversation, signals);
  } finally {
    await orchestrator.close();
  }
}

async function passOn(url: string, signals: StopSignals): Promise<ExitCode> {
  const { passOnStdio } = await import('../../mcp/stdio.js');
  const conversation = await passOnStdio({
    url: new URL('mcp', url.endsWith('/') ? url : `${url}/`).href,
    token: process.env.RUNCHART_TOKEN,
    onError: ({ message }) => note(`warning: ${message}`),
  });
  return untilOver(conversation, signals);
}

async function untilOver(conversation: Conversation, signals: StopSignals): Promise<ExitCode> {
  await Promise.race([conversation.ended, signals.stopped]);
  await conversation.close();
  return EXIT.ok;
}
