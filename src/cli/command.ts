/** What all commands have in common. */
import { Command, InvalidArgumentError } from 'commander';
import { EXIT, type ExitCode } from './exit-codes.js';

/** Takes the exit code of the command that ran. */
export type Finish = (code: ExitCode) => void;

/** A command without its action yet. */
export function command(name: string, summary: string): Command {
  return new Command(name).description(summary);
}

/** As `command`, for those that own the database. */
export function localCommand(name: string, summary: string): Command {
  return command(name, summary).option(
    '--db <file>',
    'database (default: $RUNCHART_DB, or .runchart/runchart.db)',
  );
}

/** As `command`, for those that use the database, or the server that has it. */
export function databaseCommand(name: string, summary: string): Command {
  return localCommand(name, summary)
    .option('--url <url>', 'server to speak to instead (default: $RUNCHART_URL)')
    .option('--token <token>', 'token for the server (default: $RUNCHART_TOKEN)');
}

export function addJson(target: Command): Command {
  return target.option('--json', 'print JSON for programs');
}

/** How many rows are wanted at most. */
export function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000) return limit;
  throw new InvalidArgumentError('Expected a whole number from 1 to 1000.');
}

/** Wraps an action that returns nothing but an exit code, or nothing for success. */
export function finishing<Arguments extends readonly unknown[]>(
  finish: Finish,
  action: (...args: Arguments) => Promise<ExitCode | undefined> | ExitCode | undefined,
): (...args: Arguments) => Promise<void> {
  return async (...args) => finish((await action(...args)) ?? EXIT.ok);
}
