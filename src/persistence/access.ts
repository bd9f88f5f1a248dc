/** Reads of who may do what. Everything comes from the disk, over a connection that cannot write. */
import type { AuditRecord, TaskLinkRecord, TokenRecord } from '../actors/access-records.js';
import type { AccessPage, AccessRows, AuditSize } from '../actors/ports.js';
import type { Reader } from './reader.js';
import { AUDIT, TASK_LINK, TOKEN } from './rows.js';

const HAS_TOKENS = `select cast(json_array(exists (select 1 from tokens
  where revoked_at is null and (expires_at is null or expires_at > ?))) as blob)`;

const TOKENS = `select cast(${TOKEN.expression('t')} as blob) from tokens t`;
const FIND_TOKEN = `${TOKENS} where t.id = ?1`;
const LIST_TOKENS = `${TOKENS} where t.id > ?1 order by t.id limit ?2`;
const LIST_TOKENS_OF = `${TOKENS} where t.tenant = ?3 and t.id > ?1 order by t.id limit ?2`;

const RECORDS = `select cast(${AUDIT.expression('a')} as blob) from audit a`;
const LIST_AUDIT = `${RECORDS} where a.id < ?1 order by a.id desc limit ?2`;
const LIST_AUDIT_OF = `${RECORDS} where a.tenant = ?3 and a.id < ?1 order by a.id desc limit ?2`;
const AUDIT_SIZES = 'select cast(json_array(tenant, records) as blob) from audit_sizes';
const EXCESS_AUDIT = `select cast(json_array(max(id)) as blob) from (
  select id from audit where tenant = ?1 order by id limit ?2)`;
// Ids grow with time.
const OLD_AUDIT = `select cast(json_array(max(id)) as blob) from (
  select id, at from audit order by id limit ?2) where at < ?1`;

const LINKS = `select cast(${TASK_LINK.expression('l')} as blob) from task_links l`;
const FIND_LINK = `${LINKS} where l.id = ?`;
const LINKS_OF = `${LINKS} where l.task = ? order by l.id limit 1000`;

/** After every id. */
const LAST = '~';

export class SqliteAccess implements AccessRows {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async hasTokens(now: number): Promise<boolean> {
    const [row] = await this.#reader.jsonRows(HAS_TOKENS, [now]);
    return (row as [number])[0] === 1;
  }

  async findToken(id: string): Promise<TokenRecord | undefined> {
    const [found] = await this.#reader.records(TOKEN, FIND_TOKEN, [id]);
    return found;
  }

  async listTokens({
    tenant,
    limit,
    after,
  }: AccessPage & { readonly after: string }): Promise<readonly TokenRecord[]> {
    return tenant === undefined
      ? this.#reader.records(TOKEN, LIST_TOKENS, [after, limit])
      : this.#reader.records(TOKEN, LIST_TOKENS_OF, [after, limit, tenant]);
  }

  async listAudit({
    tenant,
    limit,
    before = LAST,
  }: AccessPage & { readonly before: string | undefined }): Promise<readonly AuditRecord[]> {
    return tenant === undefined
      ? this.#reader.records(AUDIT, LIST_AUDIT, [before, limit])
      : this.#reader.records(AUDIT, LIST_AUDIT_OF, [before, limit, tenant]);
  }

  async auditSizes(): Promise<readonly AuditSize[]> {
    const rows = await this.#reader.jsonRows(AUDIT_SIZES, []);
    return (rows as [string, number][]).map(([tenant, records]) => ({ tenant, records }));
  }

  async auditToTrim(tenant: string, count: number): Promise<string | undefined> {
    return this.#lastId(EXCESS_AUDIT, [tenant, count]);
  }

  async auditToExpire(at: number, count: number): Promise<string | undefined> {
    return this.#lastId(OLD_AUDIT, [at, count]);
  }

  async #lastId(statement: string, values: (string | number)[]): Promise<string | undefined> {
    const [row] = await this.#reader.jsonRows(statement, values);
    return (row as [string | null])[0] ?? undefined;
  }

  async findTaskLink(id: string): Promise<TaskLinkRecord | undefined> {
    const [found] = await this.#reader.records(TASK_LINK, FIND_LINK, [id]);
    return found;
  }

  async taskLinks(task: string): Promise<readonly TaskLinkRecord[]> {
    return this.#reader.records(TASK_LINK, LINKS_OF, [task]);
  }
}
