/** Reads of plan versions that were stored by themselves: newest first, and a page goes on from the last that was given. */
import type { StoredPlanPage, StoredPlanRows } from '../actors/ports.js';
import type { StoredPlanRecord } from '../actors/records.js';
import type { Reader } from './reader.js';
import { STORED_PLAN } from './rows.js';

const OF_TENANT = `select cast(${STORED_PLAN.expression('p')} as blob) from stored_plans p
  where p.tenant = ?1`;
const FIND = `${OF_TENANT} and p.hash = ?2`;
const BEFORE = '(p.at, p.hash) < (?2, ?3) order by p.at desc, p.hash desc limit ?4';
const LIST = `${OF_TENANT} and ${BEFORE}`;
const LIST_TITLED = `${OF_TENANT} and p.title = ?5 and ${BEFORE}`;

/** Behind every hash. */
const LAST = '~';

export class SqliteStoredPlans implements StoredPlanRows {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async find(tenant: string, hash: string): Promise<StoredPlanRecord | undefined> {
    const [found] = await this.#reader.records(STORED_PLAN, FIND, [tenant, hash]);
    return found;
  }

  list({ tenant, title, limit, before }: StoredPlanPage): Promise<readonly StoredPlanRecord[]> {
    const { at = Number.MAX_SAFE_INTEGER, hash = LAST } = before ?? {};
    const place = [tenant, at, hash, limit];
    return title === undefined
      ? this.#reader.records(STORED_PLAN, LIST, place)
      : this.#reader.records(STORED_PLAN, LIST_TITLED, [...place, title]);
  }
}
