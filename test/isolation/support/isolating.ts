/** Isolated handlers of the fixture module, and contexts that record what reaches them. */
import { onTestFinished } from 'vitest';
import type { HandlerContext, Logger } from '../../../src/actors/handlers.js';
import {
  type IsolatedHandler,
  type IsolatedOptions,
  isolated,
} from '../../../src/isolation/isolated.js';
import { MODULE } from './module.js';

/** An isolated handler, patient on a busy machine, whose idle isolates are ended after the test. */
export function isolate(
  options: Partial<IsolatedOptions> & Pick<IsolatedOptions, 'in'>,
): IsolatedHandler {
  const handler = isolated({ module: MODULE, concurrency: 2, killAfterMs: 30_000, ...options });
  onTestFinished(() => handler.close());
  return handler;
}

export interface Recorded {
  readonly context: HandlerContext;
  readonly controller: AbortController;
  /** All that was told, in order. */
  readonly told: unknown[];
  /** Resolves with the first progress value. */
  readonly begun: Promise<unknown>;
}

export function recording(more: object = {}): Recorded {
  const told: unknown[] = [];
  const controller = new AbortController();
  let begin = (_value: unknown) => {};
  const begun = new Promise((resolve) => {
    begin = resolve;
  });
  const log = (level: string) => (fields: object, message: string) => {
    told.push([level, fields, message]);
  };
  const logger: Logger = {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
  };
  const context = {
    run: 'r1',
    node: 'n1',
    attempt: 2,
    key: 'r1/n1/1/2',
    signal: controller.signal,
    logger,
    generation: 1,
    services: undefined,
    isLastTry: true,
    idempotencyKey: 'r/n/1',
    lastHeartbeat: undefined,
    feedback: [],
    trace: undefined,
    heartbeat: () => {},
    payload: () => Promise.reject(new Error('there is no payload')),
    stream: (value: unknown) => {
      told.push(['stream', value]);
    },
    progress: (value: unknown) => {
      told.push(['progress', value]);
      begin(value);
    },
    ...more,
  };
  return { context, controller, told, begun };
}

export const abortError = (message: string) =>
  Object.assign(new Error(message), { name: 'AbortError' });
