/** How a worker names the attempt that it has claimed. It fences, and proves nothing about who holds it. */
import type { LeaseName } from '../actors/messages.js';
import { RunchartError } from '../errors.js';

export interface Lease extends LeaseName {
  readonly run: string;
}

const MAX_TOKEN_LENGTH = 8_192;

export function writeToken({ run, node, generation, attempt, lease }: Lease): string {
  return Buffer.from(JSON.stringify([run, node, generation, attempt, lease])).toString('base64url');
}

/** Throws a RunchartError `argument-invalid` on what is no token. */
export function readToken(token: string): Lease {
  const [run, node, generation, attempt, lease, ...rest] = partsOf(token);
  if (
    typeof run === 'string' &&
    typeof node === 'string' &&
    isCount(generation) &&
    isCount(attempt) &&
    typeof lease === 'string' &&
    rest.length === 0
  ) {
    return { run, node, generation, attempt, lease };
  }
  throw new RunchartError('argument-invalid', 'the token is none that a claim has given', {
    hint: 'send the token of the claim as it came',
  });
}

function partsOf(token: string): readonly unknown[] {
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH) return [];
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
