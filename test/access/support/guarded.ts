/** A server that asks for tokens, and whoever may come to it. */
import type { TokenRole } from '../../../src/access/roles.js';
import type { Handlers } from '../../../src/actors/handlers.js';
import type { HttpOptions } from '../../../src/http/app.js';
import type { OrchestratorOptions } from '../../../src/orchestrator-options.js';
import { openSite, type Site } from '../../http/support/site.js';

export interface Guarded extends Site {
  /** The token of somebody; the same again is the same. */
  token(tenant: string, roles: readonly TokenRole[], principal?: string): Promise<string>;
  ask(
    method: string,
    path: string,
    options?: { token?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Response>;
}

export async function openGuarded(
  handlers: Handlers,
  options: HttpOptions = {},
  more: Partial<OrchestratorOptions> = {},
): Promise<Guarded> {
  const site = await openSite(handlers, { tokens: 'required', ...options }, more);
  const tokens = new Map<string, string>();
  return {
    ...site,
    async token(tenant, roles, principal = 'ada') {
      const key = JSON.stringify([tenant, roles, principal]);
      const known = tokens.get(key);
      if (known !== undefined) return known;
      const { secret } = await site.orchestrator.access.createToken({ tenant, roles, principal });
      tokens.set(key, secret);
      return secret;
    },
    ask: (method, path, { token, body, headers = {} } = {}) =>
      fetch(site.url + path, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  };
}
