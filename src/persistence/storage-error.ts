/** Owns the errors of storage: one class, stable codes. docs/storage.md explains each code. */

export interface OwnerInfo {
  readonly epoch: number;
  readonly pid: number;
  readonly host: string;
  readonly since: number;
  /** URL at which the owner can be reached, once it serves one. */
  readonly address: string | null;
}

export const STORAGE_ERROR_CODES = [
  'memory-refused',
  'cannot-open',
  'not-a-database',
  'foreign-database',
  'schema-newer',
  'read-only',
  'disk-full',
  'database-owned',
  'ownership-lost',
  'journal-truncated',
  'snapshot-corrupt',
  'run-corrupt',
  'row-corrupt',
  'payload-unreadable',
  'storage-unavailable',
  'backup-exists',
  'backup-failed',
  'backup-damaged',
  'database-exists',
] as const;
export type StorageErrorCode = (typeof STORAGE_ERROR_CODES)[number];

export interface StorageErrorDetails {
  /** What the operator can do. */
  readonly hint?: string;
  /** Who holds the database, where the code is `database-owned` and the owner is known. */
  readonly owner?: OwnerInfo;
  readonly cause?: unknown;
}

/** An error of the database; docs/storage.md lists the codes. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;
  readonly hint: string | undefined;
  readonly owner: OwnerInfo | undefined;

  constructor(code: StorageErrorCode, message: string, details: StorageErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.owner = details.owner;
  }
}
