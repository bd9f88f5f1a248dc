/** What a person can answer to an approval. */
import type { JsonObject } from '../index.js';

export function approve(comment?: string): JsonObject {
  return { approved: true, ...(comment !== undefined && { comment }) };
}

export function reject(comment?: string): JsonObject {
  return { approved: false, ...(comment !== undefined && { comment }) };
}

export function requestChanges(edits: readonly string[]): JsonObject {
  return { approved: false, requiredEdits: [...edits] };
}
