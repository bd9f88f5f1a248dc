import { type Command, Option } from 'commander';
import { RUN_STATUSES, type RunStatus, type RunSummary } from '../../index.js';
import { addJson, databaseCommand, type Finish, finishing, parseLimit } from '../command.js';
import { type DatabaseOption, reading } from '../database.js';
import { clean, note, print, printJson, table, when } from '../output.js';

interface RunsOptions extends DatabaseOption {
  readonly status?: RunStatus;
  readonly limit: number;
  readonly before?: string;
  readonly json?: true;
}

/** Lists runs, newest first. */
export function runsCommand(finish: Finish): Command {
  return addJson(databaseCommand('runs', 'list runs, newest first'))
    .addOption(new Option('--status <status>', 'only runs with it').choices(RUN_STATUSES))
    .option('--limit <count>', 'most runs to list', parseLimit, 50)
    .option('--before <run>', 'only runs created before this one')
    .action(finishing(finish, runs));
}

async function runs(options: RunsOptions): Promise<undefined> {
  const { json, status, limit, before } = options;
  const filter = { limit, ...(status && { status }), ...(before && { before }) };
  const listed = await reading(options, async (reader) => {
    const summaries = await reader.list(filter);
    const titles = new Map<string, string>();
    for (const { plan } of summaries) {
      if (!titles.has(plan)) titles.set(plan, (await reader.plan(plan)).title);
    }
    return summaries.map((summary) => ({ ...summary, title: titles.get(summary.plan) ?? '' }));
  });
  if (json) return void printJson({ runs: listed });
  if (listed.length === 0) return void note('there are no such runs');
  print(table([['RUN', 'STATUS', 'CREATED (UTC)', 'PLAN'], ...listed.map(toRow)]));
  return undefined;
}

function toRow({ id, status, createdAt, title }: RunSummary & { title: string }): string[] {
  return [id, status, when(createdAt), clean(title)];
}
