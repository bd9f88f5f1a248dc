/**
 * Measures the nesting of a YAML text before it is composed. Composing recurses, and a regular
 * expression compiled near the end of the stack ends the process, beyond any catch.
 */
import { Lexer, Parser } from 'yaml';

/** Whether collections nest deeper than `limit`. Stops at the first that does. */
export function nestsDeeperThan(text: string, limit: number): boolean {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _token of parser.next(lexeme)) {
      // Tokens are finished documents; only what is open counts.
    }
    // The document and a scalar at its deepest place are open as well.
    if (parser.stack.length > limit + 2) return true;
  }
  return false;
}
