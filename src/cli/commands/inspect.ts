import { execFile } from 'node:child_process';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { RunReader } from '../../index.js';
import { type Finish, finishing, localCommand } from '../command.js';
import { type DatabaseOption, readingHere } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { note, print } from '../output.js';
import { parsePort } from '../parse-port.js';
import { catchStopSignals } from '../stop-signals.js';

interface InspectOptions extends DatabaseOption {
  readonly port: number;
  readonly open?: 'page' | 'stately';
}

const STATELY = 'https://stately.ai/inspect';
/** How long the internet is given to answer, in milliseconds. */
const PATIENCE_MS = 3_000;

/** Serves the inspector of one run on loopback, beside the process that owns the database, until it is told to stop. */
export function inspectCommand(finish: Finish): Command {
  return localCommand('inspect', 'watch a run in a browser: its graph, statecharts and history')
    .argument('<run>')
    .option('--port <port>', 'port; 0 takes a free one', parsePort, 0)
    .addOption(
      new Option('--open [what]', 'open the page, or the Stately inspector, in a browser')
        .choices(['page', 'stately'])
        .preset('page'),
    )
    .action(
      finishing(finish, (id: string, options: InspectOptions) =>
        readingHere(options, (runs) => inspect(runs, id, options)),
      ),
    );
}

async function inspect(runs: RunReader, id: string, options: InspectOptions): Promise<ExitCode> {
  await runs.summary(id);
  // Loaded where one is wanted: no other command waits for it.
  const { Inspector } = await import('../../http/inspect/inspector.js');
  const { inspectBeside } = await import('../../inspect/inspect-source.js');
  const inspector = new Inspector(inspectBeside(runs));
  const signals = catchStopSignals(() => {});
  const server = await inspector.listen(options.port);
  try {
    print(`Run ${id} can be watched until this command is stopped; each address is good once:`);
    print(`page     ${inspector.pageUrl(server.url, id)}`);
    print(`stately  ${inspector.statelyUrl(server.url, id)}`);
    print(`stream   ${inspector.socketUrl(server.url, id)}`);
    if (options.open === 'page') openBrowser(inspector.pageUrl(server.url, id));
    if (options.open === 'stately') await openStately(inspector.statelyUrl(server.url, id));
    await signals.stopped;
    return EXIT.ok;
  } finally {
    inspector.close();
    const closed = server.stopListening();
    server.closeConnections();
    await closed;
    signals.release();
  }
}

/** The Stately inspector is a page on the internet. */
async function openStately(address: string): Promise<void> {
  try {
    await fetch(STATELY, { method: 'HEAD', signal: AbortSignal.timeout(PATIENCE_MS) });
    openBrowser(address);
  } catch {
    note(`${STATELY} does not answer: use the page, or the address above where there is internet`);
  }
}

/** No shell: the address is one word. */
function openBrowser(address: string): void {
  const [command, ...words] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open'];
  execFile(command ?? '', [...words, address], (error) => {
    if (error !== null) note('no browser could be opened: use the address above');
  });
}
