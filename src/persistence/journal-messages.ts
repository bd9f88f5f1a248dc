/** What the journal and its worker thread say to each other. Plain data only. */
import type { Outcome } from './committer.js';
import type { EncodedItem } from './encoded-turn.js';
import type { OwnerInfo, StorageErrorCode } from './storage-error.js';
import type { WriterOptions } from './writer.js';

export interface WorkerOptions extends WriterOptions {
  readonly retryDelaysMs: readonly number[];
}

export type ToWorker =
  | { readonly type: 'commit'; readonly items: readonly EncodedItem[] }
  /** Items that an earlier worker had when it died. */
  | { readonly type: 'resume'; readonly items: readonly EncodedItem[] }
  | { readonly type: 'address'; readonly address: string | null }
  | { readonly type: 'close' };

export type FromWorker =
  | { readonly type: 'ready'; readonly epoch: number }
  | { readonly type: 'refused'; readonly error: SentError }
  /** Answer to `commit` and `resume`. No outcomes: all are durable. */
  | { readonly type: 'settled'; readonly outcomes?: readonly Outcome[] }
  | { readonly type: 'failing'; readonly detail: string }
  | { readonly type: 'addressed'; readonly failure?: string }
  | { readonly type: 'closed' };

/** A StorageError as plain data. */
export interface SentError {
  readonly code: StorageErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly owner?: OwnerInfo;
}
