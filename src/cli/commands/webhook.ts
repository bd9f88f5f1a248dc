import { type Command, InvalidArgumentError } from 'commander';
import type { Delivered } from '../../delivery/delivered.js';
import type { NewWebhook, WebhookChanges } from '../../delivery/draft.js';
import type { Webhook, WebhookWithSecret } from '../../delivery/webhook.js';
import { type JsonObject, RunchartError } from '../../index.js';
import { addJson, command, type Finish, finishing } from '../command.js';
import { type OwnerWork, onOwner } from '../on-owner.js';
import { note, oneLine, print, printJson, table, when } from '../output.js';
import type { HandlersOption } from '../stored-run.js';
import { deadLetterCommands } from './dead-letters.js';
import { ownerCommand, tellDelivered } from './webhook-owner.js';

interface JsonOption extends HandlersOption {
  readonly json?: true;
}

interface WebhookFields extends HandlersOption {
  readonly types?: readonly string[];
  readonly plan?: string;
  readonly metadata?: JsonObject;
  readonly description?: string;
}

interface AddOptions extends WebhookFields {
  readonly id?: string;
}

interface UpdateOptions extends WebhookFields {
  readonly url?: string;
  readonly enable?: true;
  readonly disable?: true;
}

/** Who is told of events over HTTP. They are told while a server has the database. */
export function webhookCommand(finish: Finish): Command {
  const webhook = command('webhook', 'add, list and change webhooks: who is told of events');
  const commands = [add, list, show, update, rotate, test, remove, ...deadLetterCommands];
  for (const make of commands) webhook.addCommand(make(finish));
  return webhook;
}

const path = (id: string, verb = '') => `/webhooks/${encodeURIComponent(id)}${verb}`;

function withFields(target: Command): Command {
  return target
    .option('--types <types>', 'types of events, as run.*,*.failed (default: all)', parseTypes)
    .option('--plan <title>', 'only runs of the plan with this title, or of this version')
    .option('--metadata <json>', 'only runs with these values in their metadata', parseMetadata)
    .option('--description <text>', 'what it is for');
}

function add(finish: Finish): Command {
  return withFields(ownerCommand('add', 'add a webhook; prints its secret, once'))
    .argument('<url>', 'where events are posted')
    .option('--id <id>', 'letters, digits, and _ . -')
    .action(
      finishing(finish, async (url: string, { id, ...options }: AddOptions) => {
        const draft: NewWebhook = { url, id, ...fieldsOf(options) };
        const work: OwnerWork<WebhookWithSecret> = {
          here: ({ webhooks }) => webhooks.add(draft),
          elsewhere: (owner) => owner.post('/webhooks', draft, { givesSecret: true }),
        };
        const added = await onOwner(options, work, { isNew: true });
        note(`webhook ${added.id} is told from now on; its secret is shown this once:`);
        print(added.secret);
        return undefined;
      }),
    );
}

function list(finish: Finish): Command {
  return addJson(ownerCommand('list', 'list webhooks')).action(
    finishing(finish, async ({ json, ...option }: JsonOption) => {
      const webhooks = await onOwner<Webhook[]>(option, {
        here: ({ webhooks: all }) => all.list(),
        elsewhere: async (owner) =>
          (await owner.get<{ webhooks: Webhook[] }>('/webhooks')).webhooks,
      });
      if (json) return void printJson({ webhooks });
      if (webhooks.length === 0) return void note('there are no webhooks');
      print(table([['WEBHOOK', 'TYPES', 'STATE', 'DEAD', 'URL'], ...webhooks.map(toRow)]));
      return undefined;
    }),
  );
}

function show(finish: Finish): Command {
  return ownerCommand('show', 'print a webhook, and which runs it is behind with, as JSON')
    .argument('<id>')
    .action(
      finishing(finish, async (id: string, option: HandlersOption) => {
        const webhook = await onOwner<Webhook>(option, {
          here: ({ webhooks }) => webhooks.get(id),
          elsewhere: (owner) => owner.get(path(id)),
        });
        printJson(webhook);
        return undefined;
      }),
    );
}

function update(finish: Finish): Command {
  return withFields(ownerCommand('update', 'change what is given, and keep the rest'))
    .argument('<id>')
    .option('--url <url>', 'where events are posted')
    .option('--enable', 'go on from where it stopped')
    .option('--disable', 'deliver nothing until it is enabled')
    .action(
      finishing(finish, async (id: string, options: UpdateOptions) => {
        // The address of a webhook is not that of a server.
        const { url, ...ownerOptions } = options;
        const { enable, disable } = options;
        const disabled = enable === true ? false : disable;
        const changes: WebhookChanges = { url, disabled, ...fieldsOf(options) };
        const webhook = await onOwner<Webhook>(ownerOptions, {
          here: ({ webhooks }) => webhooks.update(id, changes),
          elsewhere: (owner) => owner.post(path(id, '/update'), changes),
        });
        print(`webhook ${id} is ${stateOf(webhook)}`);
        return undefined;
      }),
    );
}

function rotate(finish: Finish): Command {
  return ownerCommand('rotate', 'give it another secret; the old one is valid for a day more')
    .argument('<id>')
    .action(
      finishing(finish, async (id: string, option: HandlersOption) => {
        const { secret } = await onOwner<WebhookWithSecret>(option, {
          here: ({ webhooks }) => webhooks.rotate(id),
          elsewhere: (owner) => owner.post(path(id, '/rotate'), {}, { givesSecret: true }),
        });
        print(secret);
        return undefined;
      }),
    );
}

function test(finish: Finish): Command {
  return ownerCommand('test', 'send a message now, and say whether it is accepted')
    .argument('<id>')
    .action(
      finishing(finish, async (id: string, option: HandlersOption) => {
        const delivered = await onOwner<Delivered>(option, {
          here: ({ webhooks }) => webhooks.test(id),
          elsewhere: (owner) => owner.post(path(id, '/test')),
        });
        return tellDelivered(delivered);
      }),
    );
}

function remove(finish: Finish): Command {
  return ownerCommand('remove', 'remove a webhook with its dead letters')
    .argument('<id>')
    .action(
      finishing(finish, async (id: string, option: HandlersOption) => {
        await onOwner(option, {
          async here({ webhooks }) {
            if (await webhooks.remove(id)) return;
            throw new RunchartError('webhook-unknown', `there is no webhook "${id}"`);
          },
          elsewhere: (owner) => owner.post(path(id, '/remove')),
        });
        print(`webhook ${id} is removed`);
        return undefined;
      }),
    );
}

function fieldsOf({ types, plan, metadata, description }: WebhookFields) {
  return {
    ...(types !== undefined && { types }),
    ...(plan !== undefined && { plan }),
    ...(metadata !== undefined && { metadata }),
    ...(description !== undefined && { description }),
  };
}

function toRow(webhook: Webhook): string[] {
  const { id, types, deadLetters, url } = webhook;
  return [id, oneLine(types.join(','), 40), stateOf(webhook), String(deadLetters), url];
}

function stateOf({ disabled, failingSince, behind }: Webhook): string {
  if (disabled !== null) return `disabled (${disabled.code})`;
  if (failingSince !== null) return `failing since ${when(failingSince)}`;
  return behind === 0 ? 'enabled' : `behind with ${behind} runs`;
}

function parseTypes(text: string): string[] {
  return text.split(',').map((type) => type.trim());
}

function parseMetadata(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    throw new InvalidArgumentError('Expected JSON such as {"team": "a"}.');
  }
}
