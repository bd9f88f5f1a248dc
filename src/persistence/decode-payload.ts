import type { PayloadCodec } from '../actors/ports.js';
import { describe } from './faults.js';
import { StorageError } from './storage-error.js';

/** What encrypted payloads begin with: no JSON text does. */
export const SEALED = 'sealed.';

/** For whoever has no codec: what was encrypted is no JSON, and is not taken for damage. */
export const NO_CODEC: PayloadCodec = {
  encode: (text) => text,
  decode(stored) {
    if (!stored.startsWith(SEALED)) return stored;
    throw new Error('it is encrypted, and there are no keys');
  },
};

/** The text of a payload as it was before it was stored. Throws `payload-unreadable`. */
export function decodePayload(payloads: PayloadCodec, stored: string): string {
  try {
    return payloads.decode(stored);
  } catch (cause) {
    const hint = 'open the database with the codec and the keys that it was written with';
    const message = `A payload cannot be read: ${describe(cause)}`;
    throw new StorageError('payload-unreadable', message, { hint, cause });
  }
}
