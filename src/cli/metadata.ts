/** What a run remembers for the command line: where its handlers are. */
import { resolve } from 'node:path';
import type { JsonObject } from '../index.js';

const HANDLERS = 'runchart.handlers';

export function metadataFor(handlers: string | undefined): JsonObject {
  return handlers === undefined ? {} : { [HANDLERS]: resolve(handlers) };
}

/** The module of handlers that a run was started with, as an absolute path. */
export function handlersIn(metadata: JsonObject): string | undefined {
  const path = metadata[HANDLERS];
  return typeof path === 'string' ? path : undefined;
}
