/** What somebody may do. A reader sees; an operator does what a reader does, and steers; an admin does that, and says who may do what. */
import { DEFAULT_TENANT } from '../actors/tenant.js';

/** Roles that a token may have. Responders answer tasks, workers do work; neither sees runs by that alone. */
export const TOKEN_ROLES = ['reader', 'operator', 'responder', 'worker', 'admin'] as const;

/** A role that a token may have. */
export type TokenRole = (typeof TOKEN_ROLES)[number];

/** What something may need: a role, or to be `host`, an admin of the default tenant, whose whole installation it is. */
export type NeededRole = TokenRole | 'host';

const INCLUDED: Readonly<Record<TokenRole, readonly TokenRole[]>> = {
  reader: ['reader'],
  operator: ['reader', 'operator'],
  responder: ['responder'],
  worker: ['worker'],
  admin: ['reader', 'operator', 'admin'],
};

export interface RoleHolder {
  readonly tenant: string;
  readonly roles: readonly TokenRole[];
}

export function holdsRole({ tenant, roles }: RoleHolder, needed: NeededRole): boolean {
  if (needed === 'host') return tenant === DEFAULT_TENANT && roles.includes('admin');
  return roles.some((role) => INCLUDED[role].includes(needed));
}
