import type { Command } from 'commander';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { conductRun } from '../conduct.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { readValue } from '../files.js';
import { print } from '../output.js';
import { findRun, type HandlersOption, hostFor } from '../stored-run.js';

interface SignalOptions extends HandlersOption {
  readonly payload?: string;
  readonly id?: string;
}

/** Tells a run something that one of its nodes waits for, or will. */
export function signalCommand(finish: Finish): Command {
  return databaseCommand('signal', 'tell a run something that a node waits for, or will')
    .argument('<run>')
    .argument('<name>')
    .option(
      '--payload <file>',
      'what the node gets: a file, - for standard input, or JSON in place',
    )
    .option('--id <id>', 'names the signal: sent again under it, it is the same one')
    .option('--handlers <module>', 'handlers, where they are not those of the start')
    .action(finishing(finish, signal));
}

async function signal(run: string, name: string, options: SignalOptions): Promise<ExitCode> {
  const payload = options.payload === undefined ? null : await readValue(options.payload);
  const id = options.id === undefined ? {} : { id: options.id };
  const stored = await findRun(run, options);
  const host = await hostFor(stored, options);
  if (host.is === 'elsewhere') {
    await host.owner.command(run, 'signals', { name, payload, ...id });
    print(`run ${run} was told ${name}`);
    return EXIT.ok;
  }
  const { orchestrator } = host;
  try {
    // What a stopped process left in motion goes on first; a paused run stays as it is.
    if (stored.status === 'running') await orchestrator.resume(run);
    const { seq } = await orchestrator.runs.head(run);
    await orchestrator.signal(run, name, { payload, ...id });
    print(`run ${run} was told ${name}`);
    return await conductRun(orchestrator, run, options, seq);
  } finally {
    await orchestrator.close();
  }
}
