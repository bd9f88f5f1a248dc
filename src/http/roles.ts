/** Roles that a request may need. `public` is for everybody; each other one has to be held. */
export const ROLES = ['public', 'reader', 'operator', 'responder', 'worker', 'admin'] as const;

export type Role = (typeof ROLES)[number];
