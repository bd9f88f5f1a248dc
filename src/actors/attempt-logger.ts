/**
 * What a handler logs. Invariants: 1. a line says of which attempt it is, and can claim no other; 2. no line has what
 * the plan calls secret: until it is known what that is, lines wait, in order and bounded.
 */

import type { Logger } from './handlers.js';
import { toPlain } from './log-fields.js';
import type { RunRecord } from './records.js';

/** A value without secrets. */
export type HideSecrets = <T>(value: T) => T;

/** What hides the secrets of a run, where it has any; undefined at once where it is known that it has none. */
export type HideFor = (run: RunRecord) => Promise<HideSecrets | undefined> | undefined;

interface Named {
  readonly run: string;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
}

type Level = 'debug' | 'info' | 'warn' | 'error';

interface Line {
  readonly level: Level;
  readonly fields: object;
  readonly message: string;
}

/** Lines that wait; those beyond are not logged. */
const MAX_WAITING = 1_000;

/** `hideFor` is asked with the first line. */
export function attemptLogger(
  logger: Logger,
  { run, node, generation, attempt }: Named,
  hideFor: () => ReturnType<HideFor> = () => undefined,
): Logger {
  const log = ({ level, fields, message }: Line) =>
    logger[level]({ ...fields, run, node, generation, attempt }, message);
  let sink: ((line: Line) => void) | undefined;
  const begin = (): ((line: Line) => void) => {
    const hide = hideFor();
    if (hide === undefined) return log;
    const waiting: Line[] = [];
    const flush = (shown: (line: Line) => Line) => {
      sink = (line) => log(shown(line));
      for (const line of waiting.splice(0)) sink(line);
    };
    hide.then(
      (known) => flush(known === undefined ? (line) => line : (line) => masked(line, known)),
      (error: unknown) => flush(({ level }) => ({ level, fields: { error }, message: UNKNOWN })),
    );
    return (line) => {
      if (waiting.length < MAX_WAITING) waiting.push(line);
    };
  };
  const at = (level: Level) => (fields: object, message: string) => {
    sink ??= begin();
    sink({ level, fields, message });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

const UNKNOWN = 'a line is not shown: it is not known what is secret';

function masked({ level, fields, message }: Line, hide: HideSecrets): Line {
  return { level, fields: hide(toPlain(fields)), message: hide(message) };
}
