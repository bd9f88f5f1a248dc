/** Changes a run by way of whoever owns its database, and stays with it where that is this process. */
import type { Command } from 'commander';
import type { JsonObject, Orchestrator } from '../index.js';
import { defaultResponder } from './ask.js';
import { databaseCommand } from './command.js';
import { conductRun } from './conduct.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { clean, print } from './output.js';
import type { RunVerb } from './remote.js';
import { findRun, type HandlersOption, hostFor } from './stored-run.js';

export interface ChangeOptions extends HandlersOption {
  readonly reason?: string;
}

export interface RunChange<T> {
  /** Last part of the path, where a server owns the database. */
  readonly verb: RunVerb;
  readonly body: JsonObject;
  here(orchestrator: Orchestrator, asked: Asked): Promise<T>;
  /** What to print about it. */
  tell(answer: T): readonly string[];
  /** It leaves the run itself as it is: what a stopped process left in motion is not taken up. */
  readonly onlyReads?: boolean;
  /** The run to stay with, which is the changed one unless it says otherwise; null for none. */
  follow?(answer: T): string | null;
}

/** Who asks, and why. */
export interface Asked {
  readonly by: string;
  readonly reason?: string;
}

export function changeCommand(name: string, summary: string): Command {
  return databaseCommand(name, summary)
    .argument('<run>')
    .option('--reason <text>', 'why, for the log of the run')
    .option('--handlers <module>', 'handlers, where they are not those of the start');
}

export async function changeRun<T>(
  run: string,
  options: ChangeOptions,
  change: RunChange<T>,
): Promise<ExitCode> {
  const asked: Asked = {
    by: defaultResponder(),
    ...(options.reason !== undefined && { reason: options.reason }),
  };
  const stored = await findRun(run, options);
  const host = await hostFor(stored, options);
  const say = (answer: T) => {
    for (const line of change.tell(answer)) print(clean(line));
  };
  if (host.is === 'elsewhere') {
    say(await host.owner.command<T>(run, change.verb, { ...change.body, ...asked }));
    return EXIT.ok;
  }
  const { orchestrator } = host;
  try {
    // What a stopped process left in motion goes on first; a paused run stays as it is.
    if (stored.status === 'running' && change.onlyReads !== true) await orchestrator.resume(run);
    const { seq } = await orchestrator.runs.head(run);
    const answer = await change.here(orchestrator, asked);
    say(answer);
    const followed = change.follow === undefined ? run : change.follow(answer);
    if (followed === null) return EXIT.ok;
    return await conductRun(orchestrator, followed, options, followed === run ? seq : 0);
  } finally {
    await orchestrator.close();
  }
}
