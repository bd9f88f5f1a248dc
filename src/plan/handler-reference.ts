/** How a plan names a handler: by its key, `translate`, or with the version that it needs, `translate@2`. */

export interface HandlerReference {
  readonly key: string;
  /** Undefined where any will do. */
  readonly version: string | undefined;
}

/** An `@` in front is part of the key. */
export function parseHandlerReference(text: string): HandlerReference {
  const at = text.lastIndexOf('@');
  if (at <= 0 || at === text.length - 1) return { key: text, version: undefined };
  return { key: text.slice(0, at), version: text.slice(at + 1) };
}
