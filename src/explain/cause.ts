/** Causes of a status, and how they read. Pure. */
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { Explanation, ExplanationCause } from '../views.js';

export interface Detail {
  readonly [key: string]: JsonValue | undefined;
}

export function cause(
  code: string,
  message: string,
  detail: Detail = {},
  causes: readonly ExplanationCause[] = [],
): ExplanationCause {
  const kept = Object.entries(detail).filter(([, value]) => value !== undefined);
  return { code, message, detail: Object.fromEntries(kept) as JsonObject, causes };
}

const MAX_TEXT = 200;

/** A value on one line, in its beginning where it is long. */
export function valueText(value: JsonValue): string {
  return cutText(JSON.stringify(value));
}

export function cutText(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}

export function timeText(at: number): string {
  return `${new Date(at).toISOString().replace('T', ' ').slice(0, 19)} UTC`;
}

export function reasonText(reason: JsonObject | undefined): string {
  const { message, code } = reason ?? {};
  return String(message ?? code ?? 'no reason is recorded');
}

/** The explanation as text, causes of causes further in. */
export function renderLines({
  node,
  status,
  generation,
  since,
  causes,
}: Omit<Explanation, 'lines'>): readonly string[] {
  const when = since === null ? '' : ` since ${timeText(since.at)} (event ${since.seq})`;
  const which = generation > 1 ? `, generation ${generation}` : '';
  return [`"${node}"${which} is ${status}${when}`, ...causes.flatMap((one) => indented(one, 1))];
}

function indented({ message, causes }: ExplanationCause, depth: number): string[] {
  const lines = message.split('\n').map((line) => `${'  '.repeat(depth)}${line}`);
  return [...lines, ...causes.flatMap((inner) => indented(inner, depth + 1))];
}
