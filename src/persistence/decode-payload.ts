import type { PayloadCodec } from '../actors/ports.js';
import { describe } from './faults.js';
import { StorageError } from './storage-error.js';

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
