/** Secrets of webhooks, and signatures by the rules of Standard Webhooks. */
import { createHash, randomBytes } from 'node:crypto';
import { Webhook as Signer } from 'standardwebhooks';

export interface Secret {
  /** `whsec_` and base64 of 24 to 64 bytes. */
  readonly secret: string;
  /** Until when it is still signed with, in milliseconds since the epoch; null for the one in use. */
  readonly until: number | null;
}

/** Bytes of a secret that is made here. */
const SECRET_BYTES = 32;

export function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

export function isSecret(text: unknown): text is string {
  if (typeof text !== 'string' || !/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text)) return false;
  const bytes = Buffer.from(text.slice('whsec_'.length), 'base64');
  return bytes.length >= 24 && bytes.length <= 64;
}

/** The newest secret and, until its time is over, the one before it. */
export function rotate(secrets: readonly Secret[], fresh: string, until: number): Secret[] {
  const [current] = secrets;
  return [{ secret: fresh, until: null }, ...(current ? [{ ...current, until }] : [])];
}

export interface SignedMessage {
  readonly id: string;
  /** In milliseconds since the epoch. */
  readonly at: number;
  readonly body: string;
}

/** The headers of a message, signed with each secret that is valid now. */
export function signedHeaders(
  { id, at, body }: SignedMessage,
  secrets: readonly Secret[],
): Record<string, string> {
  const valid = secrets.filter(({ until }) => until === null || until > at);
  const signatures = valid.map(({ secret }) => new Signer(secret).sign(id, new Date(at), body));
  return {
    'content-type': 'application/json',
    'user-agent': 'Runchart',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1_000)),
    'webhook-signature': signatures.join(' '),
  };
}

/** An id that is the same for every try of one event, and another for any other, also of a run whose id comes again. */
export function messageId(run: string, seq: number, at: number): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([run, seq, at]))
    .digest('hex');
  return `evt_${digest.slice(0, 32)}`;
}
