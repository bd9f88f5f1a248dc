/** Which server a command means, where it means one. */
import { type Client, type ClientOptions, createClient } from '../client/index.js';
import { UsageError } from './failure.js';

export interface ServerOption {
  readonly url?: string;
  readonly token?: string;
}

export interface ServerAddress {
  readonly url: string;
  readonly token?: string;
}

/** The server that is named by option, or, where no database is, by the environment. Throws a UsageError. */
export function serverOf(
  option: ServerOption & { readonly db?: string },
): ServerAddress | undefined {
  if (option.url !== undefined && option.db !== undefined) {
    throw new UsageError('a server and a database are named', { hint: 'leave --db or --url out' });
  }
  const url = option.url ?? (option.db === undefined ? process.env.RUNCHART_URL : undefined);
  if (url === undefined || url === '') return undefined;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError(`"${url}" is no address of a server`, {
      hint: 'write it as http://127.0.0.1:4747',
    });
  }
  return { url, ...tokenOf(option) };
}

/** A token in the environment is for whatever server is spoken to. */
export function tokenOf({ token = process.env.RUNCHART_TOKEN }: ServerOption): ServerOption {
  return token === undefined || token === '' ? {} : { token };
}

/** How long an answer may take: a large database is verified, examined and trimmed in one request. */
const PATIENCE_MS = 600_000;

export function clientOf(server: ServerAddress): Client {
  return createClient(patiently(server));
}

export function patiently(server: ServerAddress): ClientOptions {
  return { ...server, timeoutMs: PATIENCE_MS };
}
