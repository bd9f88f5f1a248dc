/** What the run that another works for is told of it. Pure. */
import type { Reason } from '../machines/node-run-events.js';
import type { JsonValue } from '../plan/json.js';
import type { ChildMessage } from './messages.js';
import { PARENT_PAUSED, type RunRecord, type RunUsage } from './records.js';

export function reportOf(record: RunRecord): ChildMessage {
  const { id, parentNode, status, outputJson, reasonJson, usageJson } = record;
  return {
    type: 'child.changed',
    node: parentNode ?? '',
    child: id,
    status,
    ...(usageJson !== null && { usage: JSON.parse(usageJson) as RunUsage }),
    ...(outputJson !== null && { output: JSON.parse(outputJson) as JsonValue }),
    ...(reasonJson !== null && { reason: JSON.parse(reasonJson) as Reason }),
  };
}

/** Whether it says that the run is paused because the one that it works for is. */
export function isPausedWithParent({
  status,
  reason,
}: Pick<ChildMessage, 'status' | 'reason'>): boolean {
  return status === 'paused' && reason?.code === PARENT_PAUSED;
}
