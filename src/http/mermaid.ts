import type { Context } from 'hono';

/** Answers with a diagram. */
export function mermaid(context: Context, text: string): Response {
  return context.body(`${text}\n`, 200, { 'content-type': 'text/vnd.mermaid; charset=utf-8' });
}
