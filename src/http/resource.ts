/** A path and what each method does there; any other method is refused with the list of those. */
import type { Context, Hono } from 'hono';
import { RequestError } from './problem.js';

type Answer = (context: Context) => Response | Promise<Response>;

export function resource(
  app: Hono,
  path: string,
  methods: Readonly<Partial<Record<'GET' | 'POST', Answer>>>,
): void {
  for (const [method, answer] of Object.entries(methods)) app.on(method, path, answer);
  const allowed = Object.keys(methods).sort().join(', ');
  app.all(path, (context) => {
    context.header('Allow', allowed);
    throw new RequestError('method-refused', `${context.req.method} is not for ${path}.`, allowed);
  });
}
