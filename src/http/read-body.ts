/** Reads the JSON body of a request, bounded in size and depth, and checks its shape. */
import type { Context } from 'hono';
import { z } from 'zod';
import { RunchartError } from '../errors.js';
import { isJsonObject, type JsonValue } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';
import { pointer } from '../plan/pointer.js';
import { repeatedKeys } from '../plan/repeated-keys.js';
import { RequestError } from './problem.js';

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_DEPTH = 128;
const FORM = 'application/x-www-form-urlencoded';

/** A member of what was read as JSON is there, or is not: it is never undefined. */
export type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/**
 * The body as `schema` reads it. A request without a body has an empty object for one. Where it may say `by`
 * whom and does not, it is `by`.
 */
export async function readBody<S extends z.ZodType>(
  context: Context,
  schema: S,
  by?: string,
): Promise<Given<z.infer<S>>> {
  const text = await readText(context.req.raw);
  if (text !== '') requireJson(context.req.header('content-type') ?? '');
  return readAs(schema, signed(schema, parseJson(text), by), 'The body');
}

/** The fields of a form. Throws as `readBody`. */
export async function readForm(context: Context): Promise<URLSearchParams> {
  const [type = ''] = (context.req.header('content-type') ?? '').split(';');
  if (type.trim().toLowerCase() !== FORM) {
    const hint = `Send it with \`content-type: ${FORM}\`.`;
    throw new RequestError('content-type-refused', 'The body is not announced as a form.', hint);
  }
  return new URLSearchParams(await readText(context.req.raw));
}

function signed(schema: z.ZodType, body: JsonValue, by: string | undefined): JsonValue {
  const isAsked = by !== undefined && schema instanceof z.ZodObject && 'by' in schema.shape;
  if (!isAsked || !isJsonObject(body) || Object.hasOwn(body, 'by')) return body;
  return { ...body, by };
}

/** Throws `argument-invalid` with all issues; `what` names the value. */
export function readAs<S extends z.ZodType>(
  schema: S,
  value: unknown,
  what: string,
): Given<z.infer<S>> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data as Given<z.infer<S>>;
  throw new RunchartError('argument-invalid', `${what} has not the shape that is expected.`, {
    issues: parsed.error.issues.map(({ message, path }) => ({
      severity: 'blocking',
      code: 'invalid-value',
      message,
      path: pointer(...path.map((part) => (typeof part === 'number' ? part : String(part)))),
    })),
  });
}

/** Throws `content-type-refused`. */
export function requireJson(contentType: string): void {
  const [type = ''] = contentType.split(';');
  if (type.trim().toLowerCase() === 'application/json') return;
  throw new RequestError(
    'content-type-refused',
    'The body is not announced as JSON.',
    'Send it with `content-type: application/json`.',
  );
}

/** Counts what arrives: the announced length may be missing or wrong. */
async function readText(request: Request): Promise<string> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > MAX_BODY_BYTES) throw tooLarge();
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of untilBroken(request.body)) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A client that goes away, or is cut off, before the end has sent no body: that is nobody's fault here. */
export async function* untilBroken(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (cause) {
    const hint = 'Send all of it, within the time that the server allows.';
    throw Object.assign(new RequestError('body-malformed', 'The body broke off.', hint), { cause });
  }
}

function tooLarge(): RequestError {
  return new RequestError('body-too-large', `The body is larger than ${MAX_BODY_BYTES} bytes.`);
}

function parseJson(text: string): JsonValue {
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RequestError('body-malformed', 'The body is not JSON.');
  }
  if (nestsDeeperThan(MAX_DEPTH, text)) {
    throw new RequestError('body-too-deep', `The body nests deeper than ${MAX_DEPTH} levels.`);
  }
  for (const { key } of repeatedKeys(text)) {
    const shown = key.slice(0, 128).toWellFormed();
    throw new RequestError(
      'body-malformed',
      `The body has the key "${shown}" twice in one object.`,
    );
  }
  const checked = toJsonValue(value, { maxDepth: MAX_DEPTH + 1, maxBytes: 8 * MAX_BODY_BYTES });
  if (checked.ok && checked.value !== undefined) return checked.value;
  const reason = checked.ok ? 'it is empty' : `${checked.path || '/'}: ${checked.message}`;
  throw new RequestError('body-malformed', `The body is not JSON that can be kept: ${reason}`);
}

/** Counts the brackets of a JSON text outside of its strings. */
function nestsDeeperThan(maxDepth: number, text: string): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{]|[\]}]/g)) {
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    if (depth > maxDepth) return true;
  }
  return false;
}
