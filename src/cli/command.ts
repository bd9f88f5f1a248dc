/** What all commands have in common. */
import { Command } from 'commander';
import { EXIT, type ExitCode } from './exit-codes.js';

/** Takes the exit code of the command that ran. */
export type Finish = (code: ExitCode) => void;

/** A command without its action yet. */
export function command(name: string, summary: string): Command {
  return new Command(name).description(summary);
}

/** As `command`, for those that use the database. */
export function databaseCommand(name: string, summary: string): Command {
  return command(name, summary).option(
    '--db <file>',
    'database (default: $RUNCHART_DB, or .runchart/runchart.db)',
  );
}

export function addJson(target: Command): Command {
  return target.option('--json', 'print JSON for programs');
}

/** Wraps an action that returns nothing but an exit code, or nothing for success. */
export function finishing<Arguments extends readonly unknown[]>(
  finish: Finish,
  action: (...args: Arguments) => Promise<ExitCode | undefined> | ExitCode | undefined,
): (...args: Arguments) => Promise<void> {
  return async (...args) => finish((await action(...args)) ?? EXIT.ok);
}
