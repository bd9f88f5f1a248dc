/**
 * Secrets that are shown once and stored as hashes: `rct_<id>_<secret>` for tokens, `rcl_…` for links. They
 * come of the system's randomness and of nothing that a test could choose. Invariant: how long a wrong one
 * takes to be refused says nothing about it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type SecretKind = 'rct' | 'rcl';

export interface Secret {
  readonly id: string;
  /** What its holder is given. */
  readonly text: string;
  readonly hash: string;
}

const ID_BYTES = 8;
const SECRET_BYTES = 32;
const SHAPE = /^(rct|rcl)_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

export function newSecret(kind: SecretKind): Secret {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, text: `${kind}_${id}_${secret}`, hash: hashOf(secret) };
}

/** The parts of a text; undefined where it has not the shape. */
export function parseSecret(
  kind: SecretKind,
  text: unknown,
): { readonly id: string; readonly secret: string } | undefined {
  const [, found, id, secret] = SHAPE.exec(typeof text === 'string' ? text : '') ?? [];
  if (found !== kind || id === undefined || secret === undefined) return undefined;
  return { id, secret };
}

/** Whether a secret has the hash; one that is not known is compared all the same. */
export function isSecretOf(secret: string, hash: string | undefined): boolean {
  const isEqual = timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(hash ?? NO_HASH));
  return isEqual && hash !== undefined;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

const NO_HASH = '0'.repeat(64);
