/** Plan versions that were stored by themselves, in memory: as the database keeps them. */
import type { StoredPlanRows } from '../actors/ports.js';
import type { StoredPlanRecord } from '../actors/records.js';

export class MemoryStoredPlans implements StoredPlanRows {
  readonly #plans = new Map<string, StoredPlanRecord>();

  /** One that is there already stays as it is. */
  put(record: StoredPlanRecord): void {
    const key = `${record.tenant} ${record.hash}`;
    if (!this.#plans.has(key)) this.#plans.set(key, record);
  }

  async find(tenant: string, hash: string): Promise<StoredPlanRecord | undefined> {
    return this.#plans.get(`${tenant} ${hash}`);
  }

  async list({
    tenant,
    title,
    limit,
    before,
  }: Parameters<StoredPlanRows['list']>[0]): Promise<readonly StoredPlanRecord[]> {
    const own = [...this.#plans.values()].filter((plan) => plan.tenant === tenant);
    return own
      .filter((plan) => title === undefined || plan.title === title)
      .filter((plan) => before === undefined || newestFirst(before, plan) < 0)
      .sort(newestFirst)
      .slice(0, limit);
  }
}

type Place = Pick<StoredPlanRecord, 'at' | 'hash'>;

function newestFirst(a: Place, b: Place): number {
  return b.at - a.at || (a.hash < b.hash ? 1 : a.hash > b.hash ? -1 : 0);
}
