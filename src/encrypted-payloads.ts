/**
 * Payloads encrypted at rest: AES-256-GCM, a key per tenant, each text with a nonce of its own and the id of its
 * key in front, so that keys rotate while runs go on. What is no payload (ids, statuses, events, times) stays
 * readable, and can be searched.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { PayloadCodec } from './actors/ports.js';
import { tenantOf } from './actors/tenant.js';
import { RunchartError } from './errors.js';
import { SEALED } from './persistence/decode-payload.js';

/** A key, and the id that what it encrypted names. */
export interface EncryptionKey {
  /** 1 to 64 letters, digits, `_` and `-`; is stored with each text, and never names another key. */
  readonly id: string;
  /** 32 random bytes. */
  readonly key: Uint8Array;
}

/** Where keys come from. Both answer at once: whoever gets keys from afar loads them first. */
export interface EncryptionKeys {
  /** What new payloads of a tenant are encrypted with. The tenant of runs that have none is the empty text. */
  current(tenant: string): EncryptionKey;
  /** A key that payloads were encrypted with; undefined where it is gone, and they with it. */
  find(id: string): EncryptionKey | undefined;
}

const ALGORITHM = 'aes-256-gcm';
const MARK = `${SEALED}1.`;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** For the option `payloads`. Texts that were stored before it was given are read as they are. */
export function encryptedPayloads(keys: EncryptionKeys): PayloadCodec {
  return {
    encode(text, run) {
      const { id, key } = checked(keys.current(tenantOf(run)));
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(id));
      const parts = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return `${MARK}${id}.${Buffer.concat(parts).toString('base64')}`;
    },
    decode(stored) {
      if (!stored.startsWith(MARK)) return stored;
      const end = stored.indexOf('.', MARK.length);
      const id = stored.slice(MARK.length, end);
      const found = keys.find(id);
      if (found === undefined) throw new Error(`there is no key "${id}"`);
      const bytes = Buffer.from(stored.slice(end + 1), 'base64');
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, checked(found).key, nonce)
        .setAAD(Buffer.from(id))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8');
      return text + decipher.final('utf8');
    },
  };
}

/**
 * Keys that are known beforehand, by id, 32 bytes each in base64. `current` names that of each tenant, and under
 * the empty text that of all others. Throws `argument-invalid`.
 */
export function keyRing({
  current,
  keys,
}: {
  readonly current: Readonly<Record<string, string>>;
  readonly keys: Readonly<Record<string, string>>;
}): EncryptionKeys {
  const byId = new Map(
    Object.entries(keys).map(([id, text]) => [
      id,
      checked({ id, key: Buffer.from(text, 'base64') }),
    ]),
  );
  const byTenant = new Map(
    Object.entries(current).map(([tenant, id]) => {
      const key = byId.get(id);
      if (key === undefined) throw refused(`the current key "${id}" is not among the keys`);
      return [tenant, key];
    }),
  );
  const otherwise = byTenant.get('');
  if (otherwise === undefined) throw refused('current[""] names no key');
  return { current: (tenant) => byTenant.get(tenant) ?? otherwise, find: (id) => byId.get(id) };
}

function checked(found: EncryptionKey): EncryptionKey {
  if (!KEY_ID.test(found.id)) throw refused(`"${found.id}" is no id of a key`);
  if (found.key.byteLength !== 32) throw refused(`the key "${found.id}" has not 32 bytes`);
  return found;
}

function refused(message: string): RunchartError {
  const hint = 'a key has an id of letters, digits, _ and -, and 32 random bytes';
  return new RunchartError('argument-invalid', message, { hint });
}
