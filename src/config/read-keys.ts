/** The file of encryption keys: a ring as `keyRing` takes it, in JSON. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { PayloadCodec } from '../actors/ports.js';
import { encryptedPayloads, keyRing } from '../encrypted-payloads.js';
import { RunchartError } from '../errors.js';

const ring = z.strictObject({
  current: z.record(z.string(), z.string()),
  keys: z.record(z.string(), z.string()),
});

/** How payloads are stored under the keys in a file; nothing of the file is ever shown. Throws `config-invalid`. */
export function payloadsWithKeys(file: string): PayloadCodec {
  try {
    return encryptedPayloads(keyRing(ring.parse(JSON.parse(readFileSync(file, 'utf8')))));
  } catch (cause) {
    const why = cause instanceof RunchartError ? `: ${cause.message}` : '';
    throw new RunchartError('config-invalid', `${file} holds no ring of keys${why}`, {
      hint: 'write {"current": {"": ID}, "keys": {ID: 32 bytes in base64}}, as docs/storage.md shows',
    });
  }
}
