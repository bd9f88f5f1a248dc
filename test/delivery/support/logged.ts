/** Events as the log has them, of run `r`. */
import type { LoggedEvent } from '../../../src/actors/delivery-records.js';

export function logged(turn: number, seq: number, type = 'node.ready'): LoggedEvent {
  return {
    ...{ turn, runId: 'r', planHash: 'p', metadataJson: null, correlation: 'r', traceJson: null },
    hasOtherPlans: false,
    event: { run: 1, seq, type, node: null, attempt: null, detailJson: '{}', at: 0 },
  };
}
