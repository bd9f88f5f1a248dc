/**
 * Starts the worker thread and waits until it owns the database. Invariant: a thread that did not
 * become the owner is gone before the error is told.
 */
import { Worker } from 'node:worker_threads';
import type { FromWorker, SentError, WorkerOptions } from './journal-messages.js';
import { StorageError } from './storage-error.js';

export type StartWorker = (options: WorkerOptions) => Worker;

export const startWorkerThread: StartWorker = (options) =>
  new Worker(new URL('./journal-worker.js', import.meta.url), { workerData: options });

/** Resolves with the running thread and its epoch; rejects with a StorageError. */
export async function startOwner(
  start: StartWorker,
  options: WorkerOptions,
): Promise<{ readonly worker: Worker; readonly epoch: number }> {
  const worker = start(options);
  try {
    const epoch = await firstAnswer(worker);
    return { worker, epoch };
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

function firstAnswer(worker: Worker): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    };
    const onMessage = (message: FromWorker): void => {
      settle();
      if (message.type === 'ready') resolve(message.epoch);
      else if (message.type === 'refused') reject(receivedError(message.error));
      else reject(startFailure(`answered ${message.type} first`));
    };
    const onError = (error: Error): void => {
      settle();
      reject(startFailure(error.message, error));
    };
    const onExit = (code: number): void => {
      settle();
      reject(startFailure(`ended with code ${code}`));
    };
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}

function startFailure(detail: string, cause?: unknown): StorageError {
  return new StorageError('cannot-open', `The journal's thread could not start: ${detail}`, {
    cause,
  });
}

function receivedError({ code, message, hint, owner }: SentError): StorageError {
  return new StorageError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(owner === undefined ? {} : { owner }),
  });
}
