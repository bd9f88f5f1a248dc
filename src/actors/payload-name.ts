/** What a large payload is kept under: its digest, and in a tenant the tenant, so that each has its own. */
import { DEFAULT_TENANT, tenantOf } from './tenant.js';

/** A name of a payload: the SHA-256 of its text, and in a tenant `~` and the tenant. */
export const PAYLOAD_NAME = /^[0-9a-f]{64}(?:~[a-z0-9][a-z0-9-]{0,31})?$/;

/** Name of a payload that a run stores; `run` is the id of the run. */
export function payloadName(digest: string, run: string): string {
  const tenant = tenantOf(run);
  return tenant === DEFAULT_TENANT ? digest : `${digest}~${tenant}`;
}

/** The digest in a name. */
export function digestOfName(name: string): string {
  return name.slice(0, 64);
}
