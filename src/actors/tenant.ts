/**
 * Tenants lie in the ids of what belongs to them: run `acme~order-7`, schedule `acme~daily`. Whatever has no
 * `~` in its id is the default tenant's. Invariant: only this file puts the two parts together or takes them
 * apart, so that every row tells whose it is by the id of its run.
 */
import { RunchartError } from '../errors.js';

/** Whose everything is that names no tenant. */
export const DEFAULT_TENANT = '';

/** In front of an id, as a pattern. */
export const TENANT_PREFIX = '[a-z0-9][a-z0-9-]{0,31}~';

const TENANT = /^[a-z0-9][a-z0-9-]{0,31}$/;
/** Keys of the default tenant that could be read as another's. */
const AMBIGUOUS_KEY = /^[a-z0-9-]*~/;

export function isTenant(name: unknown): name is string {
  return typeof name === 'string' && (name === DEFAULT_TENANT || TENANT.test(name));
}

export function tenantOf(id: string): string {
  return id.slice(0, Math.max(0, id.indexOf('~')));
}

/** The full id of what a tenant calls `id`. */
export function qualifyId(tenant: string, id: string): string {
  return tenant === DEFAULT_TENANT ? id : `${tenant}~${id}`;
}

/**
 * The full id of what a tenant calls by its own or by its full id; undefined where that names another tenant's.
 * Throws `argument-invalid` where it is no text.
 */
export function ownId(tenant: string, id: string): string | undefined {
  if (typeof id !== 'string') throw new RunchartError('argument-invalid', 'an id is a text');
  if (!id.includes('~')) return qualifyId(tenant, id);
  return tenant !== DEFAULT_TENANT && id.startsWith(`${tenant}~`) ? id : undefined;
}

/** The id that a run keeps in whatever tenant it is. */
export function localId(id: string): string {
  return id.slice(id.indexOf('~') + 1);
}

/** A key that runs share, such that those of different tenants are never the same. */
export function qualifyKey(tenant: string, key: string): string {
  if (tenant !== DEFAULT_TENANT) return `${tenant}~${key}`;
  return AMBIGUOUS_KEY.test(key) ? `~${key}` : key;
}
