/** Isolates that are threads. A thread shares the process: its own loop and heap, but not the system's limits. */
import { Worker } from 'node:worker_threads';
import type { Isolate, IsolateEnd, IsolateEvents, IsolateOptions } from './isolate.js';

/** Starts a thread with `memoryLimitMb` megabytes of old heap. What it prints goes to stderr. */
export function startThread(options: IsolateOptions, events: IsolateEvents): Isolate {
  const worker = new Worker(new URL('./worker-entry.js', import.meta.url), {
    env: { ...(options.env ?? process.env) },
    ...(options.memoryLimitMb !== undefined && {
      resourceLimits: { maxOldGenerationSizeMb: options.memoryLimitMb },
    }),
  });
  let failure: unknown;
  worker
    .on('message', events.message)
    .on('error', (error: unknown) => {
      failure = error;
    })
    .on('exit', (code) => events.ended(threadEnd(code, failure)));
  const kill = () => void worker.terminate();
  return {
    post: (message) => worker.postMessage(message),
    hold: () => worker.ref(),
    letGo: () => worker.unref(),
    kill,
    retire: kill,
  };
}

function threadEnd(exitCode: number, failure: unknown): IsolateEnd {
  if (failure === undefined) {
    return { code: 'handler-exited', message: `the handler's thread ended with code ${exitCode}` };
  }
  const { code, message } = failure as { code?: unknown; message?: unknown };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return {
      code: 'handler-out-of-memory',
      message: "the handler's thread reached its memory limit",
      cause: failure,
    };
  }
  return {
    code: 'handler-exited',
    message: `the handler's thread ended with an uncaught error: ${typeof message === 'string' ? message : String(failure)}`,
    cause: failure,
  };
}
