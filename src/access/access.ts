/**
 * Who may do what: tokens, and what became of them. Invariants: 1. a secret is given out once and stored as
 * a hash; 2. a token that is revoked or has expired opens nothing from that moment on; 3. why a token is
 * refused is nobody's business but its admin's.
 */
import type { TokenRecord } from '../actors/access-records.js';
import type { Clock } from '../actors/environment.js';
import type { AccessRows, Journal } from '../actors/ports.js';
import type { Principal } from '../actors/records.js';
import { durable } from '../durable.js';
import { RunchartError } from '../errors.js';
import { readLimit, readOptions, readText, readTextIfGiven } from '../read-arguments.js';
import type { RoleHolder } from './roles.js';
import { isSecretOf, newSecret, parseSecret } from './secrets.js';
import { readTokenOptions, type TokenOptions } from './token-options.js';

/** Somebody whose token was checked. */
export interface Session extends RoleHolder {
  /** Id of the token. */
  readonly token: string;
  readonly principal: Principal;
}

/** A token without its secret. */
export interface TokenView extends RoleHolder {
  readonly id: string;
  readonly principal: string;
  readonly groups: readonly string[];
  readonly createdAt: number;
  readonly createdBy: string | null;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** Some minutes old at most. */
  readonly lastUsedAt: number | null;
}

/** A token that was just made, with its secret. */
export interface CreatedToken extends TokenView {
  /** The token itself: it is shown here and never again. */
  readonly secret: string;
}

/** Which tokens to list. */
export interface TokenPage {
  /** Only those of this tenant. */
  readonly tenant?: string | undefined;
  /** Id of the token that ended the page before. */
  readonly after?: string | undefined;
  /** 100 unless given, 1,000 at most. */
  readonly limit?: number | undefined;
}

export interface AccessParts {
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'write'>;
  readonly rows: AccessRows;
}

/** How coarsely the last use of a token is written. */
const LAST_USED_MS = 5 * 60_000;
const MAX_PAGE = 1_000;

/** Tokens of a database: makes them, ends them, and says whose one is. */
export class Access {
  readonly #parts: AccessParts;

  constructor(parts: AccessParts) {
    this.#parts = parts;
  }

  /** Whether there is a token that opens something. */
  hasTokens(): Promise<boolean> {
    return this.#parts.rows.hasTokens(this.#now());
  }

  /** Makes a token; resolves when it is durable. Rejects with `argument-invalid`, `commit-failed`. */
  async createToken(options: TokenOptions): Promise<CreatedToken> {
    const now = this.#now();
    const { roles, groups, ...asked } = readTokenOptions(options, now);
    const { id, text, hash } = newSecret('rct');
    const record: TokenRecord = {
      ...asked,
      id,
      rolesJson: JSON.stringify(roles),
      groupsJson: JSON.stringify(groups),
      secretHash: hash,
      createdAt: now,
      revokedAt: null,
      lastUsedAt: null,
    };
    await durable(this.#parts.journal.write([{ type: 'token.put', record }]));
    return { ...toView(record), secret: text };
  }

  /** By id. Rejects with `argument-invalid`. */
  async tokens(page: TokenPage = {}): Promise<TokenView[]> {
    const { tenant, after = '', limit = 100 } = readOptions(page);
    const wanted = {
      tenant: readTextIfGiven(tenant, 'the tenant'),
      after: readText(after, '`after`'),
      limit: readLimit(limit, MAX_PAGE),
    };
    return (await this.#parts.rows.listTokens(wanted)).map(toView);
  }

  /** Ends a token, of a tenant where one is given. Repeated, it answers the same. Rejects with `token-unknown`. */
  async revokeToken(id: string, options: { tenant?: string | undefined } = {}): Promise<TokenView> {
    const { tenant } = readOptions(options);
    const record = await this.#parts.rows.findToken(readText(id, 'the id of a token'));
    if (record === undefined || (tenant !== undefined && record.tenant !== tenant)) {
      throw new RunchartError('token-unknown', `there is no token ${id.slice(0, 64)}`);
    }
    if (record.revokedAt !== null) return toView(record);
    const at = this.#now();
    await durable(this.#parts.journal.write([{ type: 'token.revoke', id, at }]));
    return toView({ ...record, revokedAt: at });
  }

  /** Whose token this is. Rejects with `token-refused`, whatever is wrong with it. */
  async authenticate(text: string): Promise<Session> {
    const parsed = parseSecret('rct', text);
    const record = parsed && (await this.#parts.rows.findToken(parsed.id));
    const isRight = isSecretOf(parsed?.secret ?? '', record?.secretHash);
    if (!isRight || record === undefined || !this.#isOpen(record)) {
      throw new RunchartError('token-refused', 'The token is not accepted.', {
        hint: 'it is wrong, has expired or was revoked: ask an admin for another one',
      });
    }
    this.#noteUse(record);
    const { id, tenant, principal, roles, groups } = toView(record);
    return { token: id, tenant, roles, principal: { name: principal, groups } };
  }

  #isOpen({ revokedAt, expiresAt }: TokenRecord): boolean {
    return revokedAt === null && (expiresAt === null || this.#now() < expiresAt);
  }

  /** Not waited for, and not needed: the next use writes it again. */
  #noteUse(record: TokenRecord): void {
    const now = this.#now();
    if (now - (record.lastUsedAt ?? Number.NEGATIVE_INFINITY) < LAST_USED_MS) return;
    const row = { type: 'token.used', id: record.id, at: now } as const;
    this.#parts.journal.write([row]).catch(() => {});
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}

/** What is stored was read by `readTokenOptions`. */
function toView(record: TokenRecord): TokenView {
  const { rolesJson, groupsJson, secretHash: _, ...rest } = record;
  return {
    ...rest,
    roles: JSON.parse(rolesJson) as TokenView['roles'],
    groups: JSON.parse(groupsJson) as string[],
  };
}
