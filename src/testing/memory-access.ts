/** Who may do what, in memory: as the database keeps it. */
import type { AuditRecord, TaskLinkRecord, TokenRecord } from '../actors/access-records.js';
import type { AccessPage, AccessRow, AccessRows, AuditSize } from '../actors/ports.js';

export class MemoryAccess implements AccessRows {
  readonly #tokens = new Map<string, TokenRecord>();
  readonly #audit = new Map<string, AuditRecord>();
  readonly #links = new Map<string, TaskLinkRecord>();

  put(row: AccessRow): void {
    switch (row.type) {
      case 'token.put':
        this.#tokens.set(row.record.id, row.record);
        return;
      case 'token.revoke': {
        const token = this.#tokens.get(row.id);
        const revokedAt = token?.revokedAt ?? row.at;
        if (token !== undefined) this.#tokens.set(row.id, { ...token, revokedAt });
        return;
      }
      case 'token.used': {
        const token = this.#tokens.get(row.id);
        if (token !== undefined) this.#tokens.set(row.id, { ...token, lastUsedAt: row.at });
        return;
      }
      case 'audit.put':
        this.#audit.set(row.record.id, row.record);
        return;
      case 'audit.trim':
        for (const { id, tenant } of this.#audit.values()) {
          if (tenant === row.tenant && id <= row.id) this.#audit.delete(id);
        }
        return;
      case 'audit.expire':
        for (const id of this.#audit.keys()) if (id <= row.id) this.#audit.delete(id);
        return;
      case 'task-link.put':
        this.#links.set(row.record.id, row.record);
        return;
      case 'task-link.sweep':
        for (const { id, expiresAt } of this.#links.values()) {
          if (expiresAt < row.before) this.#links.delete(id);
        }
    }
  }

  async hasTokens(now: number): Promise<boolean> {
    return [...this.#tokens.values()].some(
      ({ revokedAt, expiresAt }) => revokedAt === null && (expiresAt ?? now + 1) > now,
    );
  }

  async findToken(id: string): Promise<TokenRecord | undefined> {
    return this.#tokens.get(id);
  }

  async listTokens({ tenant, limit, after }: AccessPage & { readonly after: string }) {
    const found = [...this.#tokens.values()].filter((token) => token.id > after);
    return found.filter(isOf(tenant)).sort(byId).slice(0, limit);
  }

  async listAudit({ tenant, limit, before = '~' }: AccessPage & { before: string | undefined }) {
    const found = [...this.#audit.values()].filter((record) => record.id < before);
    return found
      .filter(isOf(tenant))
      .sort((a, b) => byId(b, a))
      .slice(0, limit);
  }

  async auditSizes(): Promise<readonly AuditSize[]> {
    const tenants = new Set([...this.#audit.values()].map(({ tenant }) => tenant));
    return [...tenants].map((tenant) => ({ tenant, records: this.#auditOf(tenant).length }));
  }

  async auditToTrim(tenant: string, count: number): Promise<string | undefined> {
    return this.#auditOf(tenant).slice(0, count).at(-1)?.id;
  }

  async auditToExpire(at: number, count: number): Promise<string | undefined> {
    const oldest = this.#auditOf(undefined).slice(0, count);
    return oldest.filter((record) => record.at < at).at(-1)?.id;
  }

  /** Oldest first. */
  #auditOf(tenant: string | undefined): readonly AuditRecord[] {
    return [...this.#audit.values()].filter(isOf(tenant)).sort(byId);
  }

  async findTaskLink(id: string): Promise<TaskLinkRecord | undefined> {
    return this.#links.get(id);
  }

  async taskLinks(task: string): Promise<readonly TaskLinkRecord[]> {
    return [...this.#links.values()].filter((link) => link.task === task).sort(byId);
  }
}

function isOf(tenant: string | undefined) {
  return (row: { readonly tenant: string }) => tenant === undefined || row.tenant === tenant;
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}
