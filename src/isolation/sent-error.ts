/** Errors on their way between threads and processes. Anything can be thrown; nothing here throws. */

/** An error as plain data. */
export type SentError =
  | { readonly type: 'plain'; readonly value: unknown }
  | {
      readonly type: 'error';
      readonly name: string | undefined;
      readonly message: string | undefined;
      readonly stack: string | undefined;
      readonly code: string | undefined;
      readonly retryable: boolean | undefined;
    };

const UNREADABLE: SentError = {
  type: 'error',
  name: undefined,
  message: 'the handler failed with an error that cannot be read',
  stack: undefined,
  code: undefined,
  retryable: undefined,
};

/** Reads name, message, stack, code and `retryable` of whatever was thrown. */
export function toSentError(thrown: unknown): SentError {
  switch (typeof thrown) {
    case 'symbol':
    case 'function':
      return { type: 'plain', value: String(thrown) };
    case 'object':
      return thrown === null ? { type: 'plain', value: null } : readError(thrown);
    default:
      return { type: 'plain', value: thrown };
  }
}

function readError(thrown: object): SentError {
  try {
    const { name, message, stack, code, retryable } = thrown as Record<string, unknown>;
    return {
      type: 'error',
      name: text(name),
      message: text(message),
      stack: text(stack),
      code: text(code),
      retryable: typeof retryable === 'boolean' ? retryable : undefined,
    };
  } catch {
    return UNREADABLE;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Makes an error of it again; what was no object comes back as it was thrown. */
export function fromSentError(sent: SentError): unknown {
  if (sent.type === 'plain') return sent.value;
  const { name, message, stack, code, retryable } = sent;
  const error = new Error(message ?? 'the handler failed without a message');
  if (name !== undefined) error.name = name;
  if (stack !== undefined) error.stack = stack;
  return Object.assign(
    error,
    code === undefined ? {} : { code },
    retryable === undefined ? {} : { retryable },
  );
}
