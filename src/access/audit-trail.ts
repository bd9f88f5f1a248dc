/**
 * The record of what was asked for: who, from where, what, and what became of it. Invariants: 1. a record is
 * handed to the journal before the change that it is about, and the journal keeps the order, so that no
 * change is durable whose record is not; 2. what is kept is bounded, in number and in age; 3. where there is
 * too much, it is the tenant with most that loses its oldest, so that none can push out what others did.
 */
import type { AuditRecord } from '../actors/access-records.js';
import type { Environment } from '../actors/environment.js';
import type { Logger } from '../actors/handlers.js';
import type { AccessRow, AccessRows, AuditSize, Journal } from '../actors/ports.js';
import { readCount, readLimit, readOptions, readText, readTextIfGiven } from '../read-arguments.js';
import type { Session } from './access.js';

/** How much of the audit is kept. */
export interface AuditOptions {
  /** Records that are kept of all tenants together, at most; 1,000,000 unless given. Who has most loses first. */
  readonly maxRecords?: number | undefined;
  /** How long they are kept, in milliseconds; 400 days unless given. */
  readonly maxAgeMs?: number | undefined;
}

/** A request that is to change something. */
export interface AuditedRequest {
  /** Who asks; undefined where nobody had to say. Without a token for whoever comes by a link. */
  readonly session: (Pick<Session, 'tenant' | 'principal'> & { token?: string }) | undefined;
  readonly address: string | undefined;
  /** Method and pattern of the route. */
  readonly action: string;
  /** Path that was asked for. */
  readonly target: string;
}

/** A request that was to change something, and what became of it. */
export type AuditView = AuditRecord;

/** Which records to list. */
export interface AuditPage {
  /** Only what was asked for by those of this tenant. */
  readonly tenant?: string | undefined;
  /** Id of the record that ended the page before. */
  readonly before?: string | undefined;
  /** 100 unless given, 1,000 at most. */
  readonly limit?: number | undefined;
}

/** Says what became of a request: an HTTP status, and the code of a refusal. Resolves when that is stored. */
export type Outcome = (status: number, code?: string) => Promise<void>;

export interface AuditParts {
  readonly environment: Pick<Environment, 'clock' | 'id'>;
  readonly journal: Pick<Journal, 'write'>;
  readonly rows: AccessRows;
  readonly logger: Logger;
  readonly options?: AuditOptions | undefined;
}

export const DEFAULT_AUDIT = {
  maxRecords: 1_000_000,
  maxAgeMs: 400 * 86_400_000,
};
/** Records between two looks at what is to go. */
const TRIM_EVERY = 1_000;
/** Records of one tenant that go at a time: nobody waits long for the writer. */
const TRIM_AT_ONCE = 10_000;
const MAX_TARGET = 1_024;
const MAX_PAGE = 1_000;

/** The audit of a database: takes records, and lists them. */
export class AuditTrail {
  readonly #parts: AuditParts;
  #sinceTrim = 0;

  constructor(parts: AuditParts) {
    this.#parts = parts;
  }

  /** Notes a request before it is done; to be told its outcome. Waits for nothing. Throws `argument-invalid`. */
  begin(request: AuditedRequest): Outcome {
    const { session, address, action, target } = readRequest(request);
    const { environment } = this.#parts;
    const record: AuditRecord = {
      id: environment.id(),
      at: environment.clock.now(),
      tenant: session?.tenant ?? '',
      principal: session?.principal.name ?? null,
      token: session?.token ?? null,
      address: address ?? null,
      action,
      target: target.slice(0, MAX_TARGET),
      status: null,
      code: null,
    };
    void this.#put(record);
    return async (status, code) => {
      readCount(status, 'the status');
      readTextIfGiven(code, 'the code');
      const written = this.#put({ ...record, status, code: code ?? null });
      this.#sinceTrim += 1;
      if (this.#sinceTrim >= TRIM_EVERY) void this.trim();
      return written;
    };
  }

  /** Newest first. Rejects with `argument-invalid`. */
  async list(page: AuditPage = {}): Promise<readonly AuditView[]> {
    const { tenant, before, limit = 100 } = readOptions(page);
    return this.#parts.rows.listAudit({
      tenant: readTextIfGiven(tenant, 'the tenant'),
      before: readTextIfGiven(before, '`before`'),
      limit: readLimit(limit, MAX_PAGE),
    });
  }

  /** Removes what is too old or too much; 10,000 records of each tenant at a time, at most. */
  async trim(): Promise<void> {
    this.#sinceTrim = 0;
    try {
      await this.#write(await this.#tooOld());
      await this.#write(await this.#tooMany());
    } catch (error) {
      this.#parts.logger.warn(
        { error },
        'old audit records could not be removed; tried again later',
      );
    }
  }

  async #tooOld(): Promise<readonly AccessRow[]> {
    const { environment, rows, options } = this.#parts;
    const at = environment.clock.now() - (options?.maxAgeMs ?? DEFAULT_AUDIT.maxAgeMs);
    const id = await rows.auditToExpire(at, TRIM_AT_ONCE);
    return id === undefined ? [] : [{ type: 'audit.expire', id }];
  }

  async #tooMany(): Promise<readonly AccessRow[]> {
    const { rows, options } = this.#parts;
    const sizes = await rows.auditSizes();
    const share = shareOf(sizes, options?.maxRecords ?? DEFAULT_AUDIT.maxRecords);
    const trims: AccessRow[] = [];
    for (const { tenant, records } of sizes.filter((size) => size.records > share)) {
      const id = await rows.auditToTrim(tenant, Math.min(records - share, TRIM_AT_ONCE));
      if (id !== undefined) trims.push({ type: 'audit.trim', tenant, id });
    }
    return trims;
  }

  async #write(rows: readonly AccessRow[]): Promise<void> {
    if (rows.length > 0) await this.#parts.journal.write(rows);
  }

  /** Where storage fails, so does the change itself. */
  #put(record: AuditRecord): Promise<void> {
    return this.#write([{ type: 'audit.put', record }]).catch((error: unknown) => {
      this.#parts.logger.error({ error, audit: record }, 'an audit record could not be stored');
    });
  }
}

/** How many records each tenant may keep, so that all together keep `max` at most, and who has few keeps them all. */
function shareOf(sizes: readonly AuditSize[], max: number): number {
  let left = max;
  const ascending = sizes.map(({ records }) => records).sort((a, b) => a - b);
  for (const [index, records] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (records > share) return share;
    left -= records;
  }
  return Number.POSITIVE_INFINITY;
}

/** A target may be long: only its beginning is kept. */
function readRequest(request: AuditedRequest): AuditedRequest {
  const { session, address, action, target } = readOptions(request);
  readTextIfGiven(address, 'the address');
  readText(action, 'the action');
  readText(typeof target === 'string' ? target.slice(0, MAX_TARGET) : target, 'the target');
  if (session !== undefined) {
    const { tenant, principal, token } = readOptions(session);
    readText(tenant, 'the tenant');
    readText(readOptions(principal).name, 'the name of a principal');
    readTextIfGiven(token, 'the id of a token');
  }
  return request;
}
