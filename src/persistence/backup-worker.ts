/** Entry of the thread in which a backup is made or restored: copying and checking block it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { BackupManifest } from './backup-manifest.js';
import { describe } from './faults.js';
import { type BackupTask, makeBackup } from './make-backup.js';
import { type RestoreTask, restoreBackup } from './restore-backup.js';
import { StorageError, type StorageErrorCode } from './storage-error.js';

export type BackupWork =
  | ({ readonly type: 'backup' } & BackupTask)
  | ({ readonly type: 'restore' } & RestoreTask);

export type BackupOutcome =
  | { readonly manifest: BackupManifest }
  | {
      readonly code: StorageErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
    };

function toOutcome(error: unknown): BackupOutcome {
  if (error instanceof StorageError) {
    const { code, message, hint } = error;
    return { code, message, hint };
  }
  return { code: 'backup-failed', message: describe(error), hint: undefined };
}

const work = workerData as BackupWork;
const done = work.type === 'backup' ? makeBackup(work) : restoreBackup(work);
done
  .then((manifest): BackupOutcome => ({ manifest }), toOutcome)
  .then((outcome) => parentPort?.postMessage(outcome));
