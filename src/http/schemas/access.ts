import { z } from '@hono/zod-openapi';
import type { CreatedToken, TokenView } from '../../access/access.js';
import type { AuditView } from '../../access/audit-trail.js';
import { TOKEN_ROLES } from '../../access/roles.js';
import { type GivenOnce, givenOnce, objectOf, type Shape, text, time } from './json.js';

export const tokenRole = z.enum(TOKEN_ROLES);

const tokenShape: Shape<TokenView> = {
  id: text,
  tenant: text,
  principal: text,
  roles: z.array(tokenRole),
  groups: z.array(text),
  createdAt: time,
  createdBy: text.nullable(),
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
  lastUsedAt: time.nullable(),
};

export const token = objectOf<TokenView>('Token', tokenShape);
export const createdToken = objectOf<GivenOnce<CreatedToken, 'secret'>>('CreatedToken', {
  ...tokenShape,
  secret: givenOnce,
});

export const auditRecord = objectOf<AuditView>('AuditRecord', {
  id: text,
  at: time,
  tenant: text,
  principal: text.nullable(),
  token: text.nullable(),
  address: text.nullable(),
  action: text,
  target: text,
  status: z.number().nullable(),
  code: text.nullable(),
});

/** A link as it is given out. */
export interface TaskLinkView {
  readonly id: string;
  readonly task: string;
  readonly principal: string;
  /** Below the address of the server; it holds the secret. */
  readonly path: string;
  readonly expiresAt: number;
}

export const taskLink = objectOf<GivenOnce<TaskLinkView, 'path'>>('TaskLink', {
  id: text,
  task: text,
  principal: text,
  path: givenOnce,
  expiresAt: time,
});
