import type { Logger } from './handlers.js';

interface Named {
  readonly run: string;
  readonly node: string;
  readonly generation: number;
  readonly attempt: number;
}

/** A logger whose every line says which attempt it is of; nothing that is logged can claim another. */
export function attemptLogger(logger: Logger, { run, node, generation, attempt }: Named): Logger {
  const of = (fields: object) => ({ ...fields, run, node, generation, attempt });
  return {
    debug: (fields, message) => logger.debug(of(fields), message),
    info: (fields, message) => logger.info(of(fields), message),
    warn: (fields, message) => logger.warn(of(fields), message),
    error: (fields, message) => logger.error(of(fields), message),
  };
}
