import { type Command, InvalidArgumentError } from 'commander';
import type { Trimmed, TrimOptions } from '../../index.js';
import { parseDuration } from '../../plan/durations.js';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import type { DatabaseOption } from '../database.js';
import { UsageError } from '../failure.js';
import { onOwner } from '../on-owner.js';
import { print, printJson } from '../output.js';

interface TrimCommandOptions extends DatabaseOption {
  readonly olderThan?: number;
  readonly historyOlderThan?: number;
  readonly dryRun?: true;
  readonly json?: true;
}

/** Removes old runs and old history. */
export function trimCommand(finish: Finish): Command {
  return addJson(databaseCommand('trim', 'remove runs that ended long ago, and old history'))
    .option('--older-than <age>', 'remove runs that ended so long ago, as 30d', parseAge)
    .option('--history-older-than <age>', 'remove older events of runs that stay', parseAge)
    .option('--dry-run', 'count, and remove nothing')
    .action(finishing(finish, trim));
}

async function trim(options: TrimCommandOptions): Promise<undefined> {
  const { olderThan, historyOlderThan, dryRun } = options;
  if (olderThan === undefined && historyOlderThan === undefined) {
    throw new UsageError('it is not said what is old', { hint: 'add --older-than 30d' });
  }
  const wanted: TrimOptions = {
    ...(olderThan !== undefined && { olderThanMs: olderThan }),
    ...(historyOlderThan !== undefined && { historyOlderThanMs: historyOlderThan }),
    ...(dryRun && { dryRun }),
  };
  const trimmed = await onOwner(options, {
    here: (orchestrator) => orchestrator.trim(wanted),
    elsewhere: (owner) => owner.trim(wanted),
  });
  return report(trimmed, options);
}

function report(trimmed: Trimmed, { json }: TrimCommandOptions): undefined {
  const { runs, trimmedRuns, events, payloads, dryRun } = trimmed;
  if (json) printJson(trimmed);
  else {
    const verb = dryRun ? 'would be' : 'were';
    print(`${runs} runs ${verb} removed, and ${events} events of ${trimmedRuns} others`);
    if (payloads > 0) print(`${payloads} files of artifacts went with them`);
  }
  return undefined;
}

function parseAge(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('Expected an age such as 30d, 12h or 90m.');
}
