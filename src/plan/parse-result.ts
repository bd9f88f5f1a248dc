import type { Issue } from './issue.js';
import type { JsonValue } from './json.js';

/** What a text came to: a draft of a plan, still to be compiled, or why it cannot be read. */
export type ParseResult =
  | { readonly ok: true; readonly draft: JsonValue }
  | { readonly ok: false; readonly issues: readonly Issue[] };
