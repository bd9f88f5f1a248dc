/**
 * Roles that a request may need. `public` is for everybody; `host` has who is an admin of the default tenant,
 * whose whole installation it is; each other one has to be held.
 */
import { TOKEN_ROLES } from '../access/roles.js';

export const ROLES = ['public', ...TOKEN_ROLES, 'host'] as const;

export type Role = (typeof ROLES)[number];
