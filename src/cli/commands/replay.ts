import type { Command } from 'commander';
import type { ReplayView } from '../../index.js';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, reading } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { clean, oneLine, print, printJson, table } from '../output.js';
import { formatEvent } from '../progress.js';
import type { RunReads } from '../run-reads.js';
import { parseEvent } from './show.js';

interface ReplayOptions extends DatabaseOption {
  readonly at?: number;
  readonly json?: true;
}

/** Makes a run again from its log, and says whether what is stored agrees. */
export function replayCommand(finish: Finish): Command {
  return addJson(databaseCommand('replay', 'make a run again from its events; executes nothing'))
    .argument('<run>')
    .option('--at <event>', 'only up to the event with this number', parseEvent)
    .action(
      finishing(finish, (id: string, options: ReplayOptions) =>
        reading(options, (runs) => replay(runs, id, options)),
      ),
    );
}

async function replay(runs: RunReads, id: string, options: ReplayOptions): Promise<ExitCode> {
  const { at, json } = options;
  const replayed = await runs.replay(id, at === undefined ? {} : { to: at });
  if (json) printJson(replayed);
  else {
    if (at === undefined) await printEvents(runs, replayed);
    printState(replayed);
  }
  return replayed.matches === false ? EXIT.failed : EXIT.ok;
}

async function printEvents(runs: RunReads, { run, seq: newest }: ReplayView): Promise<void> {
  for (let after = 0; after < newest; ) {
    const page = await runs.events(run, after);
    const events = page.filter(({ seq }) => seq <= newest);
    for (const event of events) print(formatEvent(event));
    after = page.at(-1)?.seq ?? newest;
  }
  print('');
}

function printState(replayed: ReplayView): void {
  const { run, seq, status, nodes, hash, differences } = replayed;
  print(clean(`run ${run} is ${status} after event ${seq}`));
  print(hash);
  print(describeMatch(replayed));
  for (const { part, key, events, rows } of differences) {
    const pair = `${JSON.stringify(events)} by its events, ${JSON.stringify(rows)} stored`;
    print(oneLine(`  ${part} ${key}: ${pair}`, 400));
  }
  const rows = nodes.map(({ node, status, attempt, edges, reason }) => [
    node,
    status,
    attempt === 0 ? '' : String(attempt),
    edges,
    oneLine(reason?.message ?? ''),
  ]);
  print(`\n${table([['NODE', 'STATUS', 'ATTEMPT', 'EDGES', 'WHY'], ...rows])}`);
}

function describeMatch({ matches, differences }: ReplayView): string {
  if (matches === null) return 'nothing is stored of this event: it lies within a turn';
  return matches
    ? 'what is stored agrees'
    : `what is stored differs in ${differences.length} places`;
}
