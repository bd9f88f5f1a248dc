/** What a token may be asked to be, and how it is read. */
import { z } from 'zod';
import { DEFAULT_TENANT, isTenant } from '../actors/tenant.js';
import { RunchartError } from '../errors.js';
import { pointer } from '../plan/pointer.js';
import { TOKEN_ROLES, type TokenRole } from './roles.js';

/** Whose a token is to be, and what it opens. */
export interface TokenOptions {
  /** Name of whoever has it: it is his answer, and his name in the log. */
  readonly principal: string;
  /** At least one. */
  readonly roles: readonly TokenRole[];
  /** The default tenant unless given. */
  readonly tenant?: string | undefined;
  /** Groups that he belongs to, for tasks that are put to groups. */
  readonly groups?: readonly string[] | undefined;
  /** When it ends, in milliseconds since the epoch; never unless given. */
  readonly expiresAt?: number | undefined;
  /** Who makes it. */
  readonly by?: string | undefined;
}

export interface ReadToken {
  readonly principal: string;
  readonly roles: readonly TokenRole[];
  readonly tenant: string;
  readonly groups: readonly string[];
  readonly expiresAt: number | null;
  readonly createdBy: string | null;
}

const name = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => text.isWellFormed(), 'it holds half of a surrogate pair');

const options = z.strictObject({
  principal: name,
  roles: z.array(z.enum(TOKEN_ROLES)).min(1).max(TOKEN_ROLES.length),
  tenant: z.string().refine(isTenant, 'use up to 32 small letters, digits and hyphens').optional(),
  groups: z.array(name).max(100).optional(),
  expiresAt: z.int().optional(),
  by: name.optional(),
});

/** Throws `argument-invalid` with all findings. */
export function readTokenOptions(given: TokenOptions, now: number): ReadToken {
  const parsed = options.safeParse(given);
  if (!parsed.success) {
    throw new RunchartError('argument-invalid', 'this is not what a token can be', {
      issues: parsed.error.issues.map(({ message, path }) => ({
        severity: 'blocking',
        code: 'invalid-value',
        message,
        path: pointer(...path.map((part) => (typeof part === 'number' ? part : String(part)))),
      })),
    });
  }
  const { principal, roles, tenant = DEFAULT_TENANT, groups = [], expiresAt, by } = parsed.data;
  if (expiresAt !== undefined && expiresAt <= now) {
    throw new RunchartError('argument-invalid', 'the token would have expired already', {
      hint: 'expiresAt is a time to come, in milliseconds since the epoch',
    });
  }
  return {
    principal,
    roles: [...new Set(roles)],
    tenant,
    groups: [...new Set(groups)],
    expiresAt: expiresAt ?? null,
    createdBy: by ?? null,
  };
}
