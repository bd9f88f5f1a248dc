import type { Command } from 'commander';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import { type DatabaseOption, reading } from '../database.js';
import { clean, print, printJson } from '../output.js';
import type { RunReads } from '../run-reads.js';

interface WhyOptions extends DatabaseOption {
  readonly json?: true;
}

/** Says what led to the status of a node. */
export function whyCommand(finish: Finish): Command {
  return addJson(databaseCommand('why', 'say what led to the status of a node'))
    .argument('<run>')
    .argument('<node>', 'id, or path: research[2]/decide, translate[3], ~/charge')
    .action(
      finishing(finish, (id: string, node: string, options: WhyOptions) =>
        reading(options, (runs) => why(runs, id, node, options)),
      ),
    );
}

async function why(
  runs: RunReads,
  id: string,
  node: string,
  { json }: WhyOptions,
): Promise<undefined> {
  const explanation = await runs.why(id, node);
  if (json) printJson(explanation);
  else for (const line of explanation.lines) print(clean(line));
}
