import { type Command, InvalidArgumentError } from 'commander';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, reading } from '../database.js';
import { print } from '../output.js';
import { formatEvent } from '../progress.js';
import type { RunReads, RunSource } from '../run-reads.js';

interface EventsOptions extends DatabaseOption {
  readonly after: number;
  readonly follow?: true;
  readonly json?: true;
}

/** Prints the log of a run. */
export function eventsCommand(finish: Finish): Command {
  return addJson(databaseCommand('events', 'print the events of a run, one a line'))
    .argument('<run>')
    .option('--after <number>', 'only events with a higher number', parseNumber, 0)
    .option('--follow', 'wait for more, until the run has ended')
    .action(
      finishing(finish, (id: string, options: EventsOptions) =>
        reading(options, (runs, source) => events(runs, source, id, options)),
      ),
    );
}

async function events(
  runs: RunReads,
  source: RunSource,
  id: string,
  { after, follow, json }: EventsOptions,
): Promise<undefined> {
  for await (const event of follow ? source.events(id, { after }) : stored(runs, id, after)) {
    print(json ? JSON.stringify(event) : formatEvent(event));
  }
}

async function* stored(runs: RunReads, id: string, after: number) {
  for (let seq = after; ; ) {
    const page = await runs.events(id, seq);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    seq = last.seq;
  }
}

function parseNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 0 on.');
}
