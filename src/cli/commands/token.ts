import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type AuditView,
  type CreatedToken,
  TOKEN_ROLES,
  type TokenOptions,
  type TokenRole,
  type TokenView,
} from '../../index.js';
import { parseDuration } from '../../plan/durations.js';
import {
  addJson,
  command,
  databaseCommand,
  type Finish,
  finishing,
  parseLimit,
} from '../command.js';
import type { DatabaseOption } from '../database.js';
import { type OwnerWork, onOwner } from '../on-owner.js';
import { clean, note, print, printJson } from '../output.js';

interface JsonOption extends DatabaseOption {
  readonly json?: true;
}

interface CreateOptions extends JsonOption {
  readonly role: TokenRole[];
  readonly group?: string[];
  readonly tenant?: string;
  readonly expiresIn?: number;
}

interface ListOptions extends JsonOption {
  readonly tenant?: string;
  readonly limit?: number;
}

/** Tokens: who may come in, and as whom. */
export function tokenCommand(finish: Finish): Command {
  const token = command('token', 'create, list and revoke tokens: who may do what');
  token.addCommand(
    addJson(databaseCommand('create', 'make a token, which is shown once'))
      .argument('<principal>', 'name of whoever gets it')
      .addOption(
        new Option('--role <role...>', 'what he may do').choices(TOKEN_ROLES).makeOptionMandatory(),
      )
      .option('--group <group...>', 'groups that he belongs to')
      .option('--tenant <tenant>', 'whose rows he sees')
      .option('--expires-in <time>', 'how long it is good, as 90d', parseTime)
      .action(finishing(finish, create)),
  );
  token.addCommand(
    addJson(databaseCommand('list', 'list tokens, without their secrets'))
      .option('--tenant <tenant>', 'only those of a tenant')
      .option('--limit <number>', 'most to list', parseLimit)
      .action(finishing(finish, list)),
  );
  token.addCommand(
    addJson(databaseCommand('revoke', 'end a token at once'))
      .argument('<id>', 'id of the token')
      .action(finishing(finish, revoke)),
  );
  return token;
}

/** What was asked for over HTTP, by whom, and what became of it. */
export function auditCommand(finish: Finish): Command {
  return addJson(databaseCommand('audit', 'list requests that were to change something'))
    .option('--tenant <tenant>', 'only those of a tenant')
    .option('--limit <number>', 'most to list', parseLimit)
    .action(finishing(finish, listAudit));
}

async function create(
  principal: string,
  { role, group, tenant, expiresIn, ...options }: CreateOptions,
): Promise<undefined> {
  const asked: TokenOptions = {
    principal,
    roles: role,
    ...(group !== undefined && { groups: group }),
    ...(tenant !== undefined && { tenant }),
    ...(expiresIn !== undefined && { expiresAt: Date.now() + expiresIn }),
  };
  const work: OwnerWork<CreatedToken> = {
    here: ({ access }) => access.createToken(asked),
    elsewhere: (owner) => owner.post('/tokens', asked, { givesSecret: true }),
  };
  const made = await onOwner(options, work, { isNew: true });
  if (options.json) {
    printJson(made);
    return undefined;
  }
  print(made.secret);
  note(`token ${made.id} of ${clean(made.principal)}: keep it, it is not shown again`);
  return undefined;
}

async function list({ tenant, limit, ...options }: ListOptions): Promise<undefined> {
  const tokens = await onOwner<readonly TokenView[]>(options, {
    here: ({ access }) => access.tokens({ tenant, limit }),
    elsewhere: async (owner) =>
      (await owner.get<{ tokens: TokenView[] }>(`/tokens${queryOf({ tenant, limit })}`)).tokens,
  });
  if (options.json) printJson({ tokens });
  else if (tokens.length === 0) note('there is no token');
  else for (const token of tokens) print(describe(token));
  return undefined;
}

async function revoke(id: string, options: JsonOption): Promise<undefined> {
  const revoked = await onOwner<TokenView>(options, {
    here: ({ access }) => access.revokeToken(id),
    elsewhere: (owner) => owner.post(`/tokens/${encodeURIComponent(id)}/revoke`),
  });
  if (options.json) printJson(revoked);
  else print(describe(revoked));
  return undefined;
}

async function listAudit({ tenant, limit, ...options }: ListOptions): Promise<undefined> {
  const records = await onOwner<readonly AuditView[]>(options, {
    here: ({ audit }) => audit.list({ tenant, limit }),
    elsewhere: async (owner) =>
      (await owner.get<{ audit: AuditView[] }>(`/audit${queryOf({ tenant, limit })}`)).audit,
  });
  if (options.json) printJson({ audit: records });
  else if (records.length === 0) note('nothing was asked for');
  else for (const record of records) print(describeRecord(record));
  return undefined;
}

function queryOf(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(key, String(value));
  }
  return query.size === 0 ? '' : `?${query}`;
}

function describe({
  id,
  tenant,
  principal,
  roles,
  groups,
  expiresAt,
  revokedAt,
}: TokenView): string {
  const parts = [
    id,
    tenant === '' ? principal : `${tenant}~${principal}`,
    roles.join(','),
    ...(groups.length > 0 ? [`in ${groups.join(',')}`] : []),
    ...(expiresAt !== null ? [`until ${new Date(expiresAt).toISOString()}`] : []),
    ...(revokedAt !== null ? ['revoked'] : []),
  ];
  return clean(parts.join('  '));
}

function describeRecord({ at, tenant, principal, address, status, code, ...record }: AuditView) {
  const who = principal === null ? 'nobody' : tenant === '' ? principal : `${tenant}~${principal}`;
  const outcome = status === null ? 'unknown' : [status, code ?? ''].join(' ').trim();
  const { action, target } = record;
  const [method = ''] = action.split(' ');
  const parts = [new Date(at).toISOString(), who, address ?? '-', method, target, outcome];
  return clean(parts.join('  '));
}

function parseTime(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError('Expected a time such as 90d, 12h or 30m.');
}
