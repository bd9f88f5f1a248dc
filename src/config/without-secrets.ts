/**
 * Takes secrets out of what is going to be logged: values whose key says that they are secret, and within
 * texts what looks like a credential. Errors are copied with their causes. Bounded in depth and width.
 */
const SECRET_KEY =
  /pass(word|wd|phrase)?$|secret|token$|authorization|cookie|credential|api[-_]?key|private[-_]?key/i;
const REDACTED = '[redacted]';
const MAX_DEPTH = 6;
const MAX_ITEMS = 100;
const MAX_TEXT = 8_192;

const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/(:\/\/[^\s:/@]{0,256}:)[^\s@/]{1,256}@/g, `$1${REDACTED}@`],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+/g, REDACTED],
  [
    /((?:password|passwd|secret|token|api[-_]?key)["']?\s*[=:]\s*["']?)[^\s"'&,;]{1,512}/gi,
    `$1${REDACTED}`,
  ],
];

export function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[deep]';
  if (value instanceof Error) return cleanError(value, depth);
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) {
    return value.slice(0, MAX_ITEMS).map((item) => withoutSecrets(item, depth + 1));
  }
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(
    entries.map(([key, held]) => [
      key,
      SECRET_KEY.test(key) ? REDACTED : withoutSecrets(held, depth + 1),
    ]),
  );
}

/** The class stays, so that it is logged as an error is. */
function cleanError(error: Error, depth: number): Error {
  const { name, message, stack, cause, ...fields } = error as Error & Record<string, unknown>;
  const copy = new Error(cleanText(message));
  Object.assign(copy, withoutSecrets(fields, depth + 1));
  copy.name = error.name;
  copy.stack = cleanText(stack ?? '');
  if (cause !== undefined) copy.cause = withoutSecrets(cause, depth + 1);
  return copy;
}

function cleanText(text: string): string {
  let clean = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  for (const [pattern, replacement] of SECRET_TEXTS) clean = clean.replace(pattern, replacement);
  return clean;
}
