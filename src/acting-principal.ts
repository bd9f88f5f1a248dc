/** Who acts, where it is known who asks. */
import type { Principal } from './actors/records.js';
import { RunchartError } from './errors.js';

/** Who acts: the principal, where there is one. Throws `principal-mismatch` where somebody else is named. */
export function nameOf<Name extends string | undefined>(
  principal: Principal | undefined,
  given: Name,
): Name | string {
  if (principal === undefined) return given;
  if (given === undefined || given === principal.name) return principal.name;
  const message = `"${String(given).slice(0, 256)}" is not who asks`;
  throw new RunchartError('principal-mismatch', message, {
    hint: 'leave the name out: it is that of the token',
  });
}
