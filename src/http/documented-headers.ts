/** Headers as the OpenAPI document has them: what a route reads, and what its answers and refusals have. */
import { type RouteConfig, z } from '@hono/zod-openapi';
import { isKeyed, REPLAYED } from './keyed-answer.js';
import type { Route } from './route-spec.js';

type Described = Readonly<Record<string, string>>;
type Headers = Record<string, { description: string; schema: { type: 'string'; enum?: string[] } }>;

const KEY = z.string().min(1).max(256).optional().openapi({
  description: 'Names the request: sent again with the same key it is answered as before',
});
const REPLAY = {
  description: 'There where the answer was given before to the same request',
  schema: { type: 'string' as const, enum: ['true'] },
};
/** By status. */
const OF_REFUSALS: Readonly<Record<number, Described>> = {
  401: { 'WWW-Authenticate': 'How to say who asks' },
  429: { 'Retry-After': 'Seconds to wait' },
  503: { 'Retry-After': 'Seconds to wait' },
};

export function headersOfRequest(
  route: Route,
): Pick<NonNullable<RouteConfig['request']>, 'headers'> {
  const read = Object.entries(route.headers ?? {}).map(([name, description]) => {
    return [name, z.string().optional().openapi({ description })] as const;
  });
  const headers = [...read, ...(isKeyed(route) ? [['idempotency-key', KEY] as const] : [])];
  return headers.length === 0 ? {} : { headers: z.object(Object.fromEntries(headers)) };
}

export function headersOfAnswer(route: Route): { headers?: Headers } {
  const headers = described(route.answerHeaders);
  return withHeaders(isKeyed(route) ? { ...headers, [REPLAYED]: REPLAY } : headers);
}

export function headersOfRefusal(status: number): { headers?: Headers } {
  return withHeaders(described(OF_REFUSALS[status]));
}

function described(headers: Described = {}): Headers {
  const entries = Object.entries(headers).map(([name, description]) => {
    return [name, { description, schema: { type: 'string' as const } }] as const;
  });
  return Object.fromEntries(entries);
}

function withHeaders(headers: Headers): { headers?: Headers } {
  return Object.keys(headers).length === 0 ? {} : { headers };
}
