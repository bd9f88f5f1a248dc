import { type Command, InvalidArgumentError } from 'commander';
import type {
  BulkAction,
  BulkApply,
  BulkFilter,
  BulkOutcome,
  BulkPage,
  BulkPreview,
  JsonObject,
  RunStatus,
} from '../../index.js';
import { parseDuration } from '../../plan/durations.js';
import { defaultResponder } from '../ask.js';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { UsageError } from '../failure.js';
import { loadApplication, readValue } from '../files.js';
import { findHost, type Host } from '../host.js';
import { clean, note, oneLine, print, printJson, table, when } from '../output.js';
import type { HandlersOption } from '../stored-run.js';

interface BulkOptions extends HandlersOption {
  readonly id?: readonly string[];
  readonly status?: readonly string[];
  readonly plan?: string;
  readonly metadata?: string;
  readonly olderThan?: number;
  readonly idleFor?: number;
  readonly reason?: string;
  readonly name?: string;
  readonly payload?: string;
  readonly yes?: true;
  readonly allowChanges?: true;
  readonly json?: true;
}

/** Does the same to many runs: says which they are, and does it where that is wanted. */
export function bulkCommand(finish: Finish): Command {
  return addJson(databaseCommand('bulk', 'cancel, pause, resume, signal or retry many runs'))
    .argument('<action>', 'cancel, pause, resume, signal or retry')
    .option('--id <run...>', 'these runs')
    .option('--status <status...>', 'runs with one of these statuses')
    .option('--plan <plan>', 'runs of this plan: its title, or the hash of a version')
    .option('--metadata <json>', 'runs with this in their metadata')
    .option('--older-than <age>', 'runs that were created so long ago, as 30d', parseAge)
    .option('--idle-for <age>', 'runs in which nothing has changed for so long', parseAge)
    .option('--reason <text>', 'why they are cancelled')
    .option('--name <name>', 'of the signal')
    .option('--payload <file>', 'of the signal: a file, or JSON in place')
    .option('--yes', 'do it; without it, only say which runs would be hit')
    .option('--allow-changes', 'do it although other runs are hit by now than were shown')
    .option('--handlers <module>', 'handlers, where no server is at work')
    .action(finishing(finish, bulk));
}

async function bulk(type: string, options: BulkOptions): Promise<ExitCode> {
  const action = await actionOf(type, options);
  const filter = await filterOf(options);
  const host = await findHost(options, {
    application: () => loadApplication(options.handlers),
  });
  try {
    const shown = await preview(host, action, filter);
    if (options.yes !== true) return showPreview(shown, options);
    return await applyAll(host, action, filter, { ...options, token: shown.token });
  } finally {
    if (host.is === 'here') await host.orchestrator.close();
  }
}

function preview(host: Host, action: BulkAction, filter: BulkFilter): Promise<BulkPreview> {
  if (host.is === 'here') return host.orchestrator.bulk.preview(action, filter);
  return host.owner.post('/bulk/preview', { action, filter });
}

function apply(
  host: Host,
  action: BulkAction,
  filter: BulkFilter,
  options: BulkApply,
): Promise<BulkPage> {
  if (host.is === 'here') return host.orchestrator.bulk.apply(action, filter, options);
  return host.owner.post('/bulk/apply', { action, filter, ...options });
}

async function applyAll(
  host: Host,
  action: BulkAction,
  filter: BulkFilter,
  { token, allowChanges, json }: BulkOptions & { readonly token: string },
): Promise<ExitCode> {
  const by = defaultResponder();
  const outcomes: BulkOutcome[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const options = {
      token,
      by,
      ...(allowChanges && { allowChanges }),
      ...(cursor !== undefined && { cursor }),
    };
    const page: BulkPage = await apply(host, action, filter, options);
    outcomes.push(...page.outcomes);
    if (!json) for (const outcome of page.outcomes) print(lineOf(outcome));
    cursor = page.cursor;
  }
  const refused = outcomes.filter(({ outcome }) => outcome === 'refused').length;
  if (json) printJson({ outcomes });
  else print(`${outcomes.length - refused} done, ${refused} refused`);
  return refused === 0 ? EXIT.ok : EXIT.failed;
}

function lineOf({ run, outcome, code, message, detail }: BulkOutcome): string {
  const more = detail === undefined ? '' : ` ${JSON.stringify(detail)}`;
  const why = code === undefined ? '' : ` ${code}: ${message}`;
  return oneLine(`${run} ${outcome}${more}${why}`, 400);
}

function showPreview(shown: BulkPreview, { json }: BulkOptions): ExitCode {
  if (json) {
    printJson(shown);
    return EXIT.ok;
  }
  const rows = shown.sample.map(({ id, status, createdAt }) => [id, status, when(createdAt)]);
  if (rows.length > 0) print(clean(table([['RUN', 'STATUS', 'CREATED (UTC)'], ...rows])));
  const rest = shown.count - rows.length;
  if (rest > 0) print(`… and ${rest} more`);
  print(`${shown.count} runs would be hit`);
  if (shown.count > 0) note('add --yes to have it done');
  return EXIT.ok;
}

async function actionOf(type: string, options: BulkOptions): Promise<BulkAction> {
  const { reason, name, payload } = options;
  switch (type) {
    case 'cancel':
      return { type, ...(reason !== undefined && { reason }) };
    case 'pause':
    case 'resume':
    case 'retry':
      return { type };
    case 'signal':
      if (name === undefined) throw new UsageError('the signal has no name: add --name');
      return { type, name, ...(payload !== undefined && { payload: await readValue(payload) }) };
    default:
      throw new UsageError(`there is no "${type}"`, {
        hint: 'actions are cancel, pause, resume, signal and retry',
      });
  }
}

/** Ages are counted from now: the preview and what is done have the same times. */
async function filterOf(options: BulkOptions): Promise<BulkFilter> {
  const { id, status, plan, metadata, olderThan, idleFor } = options;
  const now = Date.now();
  return {
    ...(id !== undefined && { ids: id }),
    ...(status !== undefined && { status: status as readonly RunStatus[] }),
    ...(plan !== undefined && { plan }),
    ...(metadata !== undefined && { metadata: (await readValue(metadata)) as JsonObject }),
    ...(olderThan !== undefined && { createdBefore: now - olderThan }),
    ...(idleFor !== undefined && { updatedBefore: now - idleFor }),
  };
}

function parseAge(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('Expected an age such as 30d, 12h or 90m.');
}
