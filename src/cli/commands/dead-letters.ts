import type { Command } from 'commander';
import type { Delivered } from '../../delivery/delivered.js';
import type { DeadLetter, DeadLetterWithBody } from '../../delivery/webhook.js';
import { addJson, type Finish, finishing, parseLimit } from '../command.js';
import { onOwner } from '../on-owner.js';
import { note, oneLine, print, printJson, table, when } from '../output.js';
import type { HandlersOption } from '../stored-run.js';
import { ownerCommand, tellDelivered } from './webhook-owner.js';

interface ListOptions extends HandlersOption {
  readonly limit: number;
  readonly after?: string;
  readonly json?: true;
}

/** Commands for deliveries that failed for good. */
export const deadLetterCommands = [list, show, redeliver, discard];

const path = (webhook: string, message: string, verb = '') =>
  `/webhooks/${encodeURIComponent(webhook)}/dead-letters/${encodeURIComponent(message)}${verb}`;

function list(finish: Finish): Command {
  return addJson(ownerCommand('dead-letters', 'list deliveries that failed for good'))
    .argument('<webhook>')
    .option('--limit <count>', 'most of them to list', parseLimit, 100)
    .option('--after <message>', 'only those after this one')
    .action(
      finishing(finish, async (webhook: string, { json, ...options }: ListOptions) => {
        const letters = await lettersOf(webhook, options);
        if (json) return void printJson({ deadLetters: letters });
        if (letters.length === 0) return void note('there are no such dead letters');
        print(
          table([['MESSAGE', 'EVENT', 'TYPE', 'GIVEN UP (UTC)', 'WHY'], ...letters.map(toRow)]),
        );
        return undefined;
      }),
    );
}

function lettersOf(
  webhook: string,
  { limit, after, ...option }: Omit<ListOptions, 'json'>,
): Promise<DeadLetter[]> {
  const page = { limit, ...(after !== undefined && { after }) };
  const query = new URLSearchParams({
    limit: String(limit),
    ...(after !== undefined && { after }),
  });
  const listPath = `/webhooks/${encodeURIComponent(webhook)}/dead-letters?${query}`;
  return onOwner(option, {
    here: ({ webhooks }) => webhooks.deadLetters.list(webhook, page),
    elsewhere: async (owner) =>
      (await owner.get<{ deadLetters: DeadLetter[] }>(listPath)).deadLetters,
  });
}

function show(finish: Finish): Command {
  return ownerCommand('dead-letter', 'print one of them with what is sent, as JSON')
    .argument('<webhook>')
    .argument('<message>')
    .action(
      finishing(finish, async (webhook: string, message: string, option: HandlersOption) => {
        const letter = await onOwner<DeadLetterWithBody>(option, {
          here: ({ webhooks }) => webhooks.deadLetters.get(webhook, message),
          elsewhere: (owner) => owner.get(path(webhook, message)),
        });
        printJson(letter);
        return undefined;
      }),
    );
}

function redeliver(finish: Finish): Command {
  return ownerCommand('redeliver', 'send one of them once more')
    .argument('<webhook>')
    .argument('<message>')
    .action(
      finishing(finish, async (webhook: string, message: string, option: HandlersOption) => {
        const delivered = await onOwner<Delivered>(option, {
          here: ({ webhooks }) => webhooks.deadLetters.redeliver(webhook, message),
          elsewhere: (owner) => owner.post(path(webhook, message, '/redeliver')),
        });
        return tellDelivered(delivered);
      }),
    );
}

function discard(finish: Finish): Command {
  return ownerCommand('discard', 'forget one of them')
    .argument('<webhook>')
    .argument('<message>')
    .action(
      finishing(finish, async (webhook: string, message: string, option: HandlersOption) => {
        await onOwner(option, {
          here: ({ webhooks }) => webhooks.deadLetters.discard(webhook, message),
          elsewhere: (owner) => owner.post<void>(path(webhook, message, '/discard')),
        });
        print(`dead letter ${message} is discarded`);
        return undefined;
      }),
    );
}

function toRow({ message, run, seq, type, at, error }: DeadLetter): string[] {
  return [message, `${run}/${seq}`, type, when(at), oneLine(error.message, 60)];
}
