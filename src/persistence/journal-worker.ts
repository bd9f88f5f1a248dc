/**
 * Entry of the worker thread that owns the write connection and the lock. Invariant: messages are
 * handled one at a time, in order, and each commit is answered exactly once.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Alertness } from './alertness.js';
import { Committer } from './committer.js';
import { describe } from './faults.js';
import type { FromWorker, SentError, ToWorker, WorkerOptions } from './journal-messages.js';
import { StorageError } from './storage-error.js';
import { openWriter, type Writer } from './writer.js';

/** How long the loop stays awake for the turn that follows from the last, in milliseconds. */
const ALERT_MS = 0.5;

function send(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function sentError(error: unknown): SentError {
  if (!(error instanceof StorageError)) return { code: 'cannot-open', message: describe(error) };
  const { code, message, hint, owner } = error;
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(owner === undefined ? {} : { owner }),
  };
}

function setAddress(writer: Writer, address: string | null): { failure?: string } {
  try {
    writer.setAddress(address);
    return {};
  } catch (error) {
    return { failure: describe(error) };
  }
}

function serve(writer: Writer, options: WorkerOptions): void {
  const committer = new Committer(writer, {
    retryDelaysMs: options.retryDelaysMs,
    onFailing: (detail) => send({ type: 'failing', detail }),
  });
  const alertness = new Alertness(ALERT_MS);
  const handle = async (message: ToWorker): Promise<void> => {
    switch (message.type) {
      case 'commit':
      case 'resume': {
        const outcomes =
          message.type === 'commit'
            ? await committer.commit(message.items)
            : committer.resume(message.items);
        const allDurable = outcomes.every((outcome) => outcome === null);
        alertness.extend();
        return send(allDurable ? { type: 'settled' } : { type: 'settled', outcomes });
      }
      case 'address':
        return send({ type: 'addressed', ...setAddress(writer, message.address) });
      case 'close':
        writer.close();
        send({ type: 'closed' });
        parentPort?.close();
    }
  };
  let tail = Promise.resolve();
  parentPort?.on('message', (message: ToWorker) => {
    tail = tail.then(() => handle(message));
  });
  send({ type: 'ready', epoch: writer.epoch });
}

const options = workerData as WorkerOptions;
openWriter(options).then(
  (writer) => serve(writer, options),
  (error: unknown) => send({ type: 'refused', error: sentError(error) }),
);
