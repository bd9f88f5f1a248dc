/** What a person can answer to an approval, or as a judge. */
import type { JsonObject, TaskView } from '../index.js';

type Asking = Pick<TaskView, 'responseSchema'>;

export function approve(task: Asking, comment?: string): JsonObject {
  return { approved: true, ...commenting(task, comment) };
}

export function reject(task: Asking, comment?: string): JsonObject {
  return { approved: false, ...commenting(task, comment) };
}

export function requestChanges(edits: readonly string[]): JsonObject {
  return { approved: false, requiredEdits: [...edits] };
}

/** Under the name that the response has for it. */
function commenting({ responseSchema }: Asking, comment: string | undefined): JsonObject {
  if (comment === undefined) return {};
  const { properties = {} } = (responseSchema ?? {}) as { readonly properties?: JsonObject };
  return { ['comments' in properties ? 'comments' : 'comment']: comment };
}

/** Whether what is asked for is a score. */
export function asksForScore({ kind, presented }: Pick<TaskView, 'kind' | 'presented'>): boolean {
  return kind === 'human-check' && presented.threshold !== undefined;
}
