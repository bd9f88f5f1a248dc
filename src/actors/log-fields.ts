/** Fields of a line as the log would show them: plain values, in which secrets can be looked for. */

/** Errors have their name, message and stack; what cannot be written as JSON is gone. */
export function toPlain(fields: object): object {
  try {
    return JSON.parse(JSON.stringify(fields, shown) ?? '{}') as object;
  } catch (error) {
    return { unreadable: error instanceof Error ? error.name : 'thrown' };
  }
}

function shown(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { ...value, name, message, stack, ...(cause !== undefined && { cause }) };
}
