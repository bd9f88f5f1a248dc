/** What can happen to a human task. */
export type TaskEvent =
  // Who it belongs to
  | { readonly type: 'task.claimed'; readonly to: string }
  | { readonly type: 'task.released' }
  | { readonly type: 'task.delegated'; readonly to: string }
  | { readonly type: 'task.assigned'; readonly to: string | null }
  // Time
  | { readonly type: 'task.reminded' }
  | { readonly type: 'task.extended'; readonly deadlineAt: number }
  // Answers, and what else ends it
  | { readonly type: 'task.answered' }
  | { readonly type: 'task.expired' }
  | { readonly type: 'task.cancelled' }
  | { readonly type: 'task.superseded' };

/** The status of a human task. */
export type TaskStatus = 'open' | TaskEnding;

/** The final statuses of a task, each reached by the event of its name. */
export type TaskEnding = 'answered' | 'expired' | 'cancelled' | 'superseded';
