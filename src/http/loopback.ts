/**
 * Keeps a server without authentication to this machine's own programs. A web page that has its name
 * point to this machine, or that posts here from elsewhere, is refused by the names it brings along.
 */
import type { MiddlewareHandler } from 'hono';
import { RequestError } from './problem.js';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Whether `url` leads to this machine and nowhere else. */
export function isLoopbackUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && LOOPBACK.has(hostname);
}

export const loopbackOnly: MiddlewareHandler = async (context, next) => {
  const host = context.req.header('host') ?? '';
  if (!isLoopbackUrl(`http://${host}`)) {
    throw new RequestError('host-refused', 'The Host header names another machine than this one.');
  }
  const origin = context.req.header('origin');
  if (origin !== undefined && !isLoopbackUrl(origin)) {
    throw new RequestError('origin-refused', 'Pages of other origins may not use this server.');
  }
  await next();
};

/** Beyond loopback: pages of other origins change nothing here, whatever they have got hold of. */
export const sameOriginOnly: MiddlewareHandler = async (context, next) => {
  const origin = context.req.header('origin');
  const isOwn =
    origin !== undefined &&
    URL.canParse(origin) &&
    new URL(origin).host === context.req.header('host');
  if (origin !== undefined && !isOwn) {
    throw new RequestError('origin-refused', 'Pages of other origins may not use this server.');
  }
  await next();
};
