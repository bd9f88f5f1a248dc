import type { Orchestrator } from '../orchestrator.js';
import type { ServedMetrics } from './measure.js';
import type { PlanCatalog } from './plan-catalog.js';

/** What the routes work with. */
export interface HttpScope {
  readonly orchestrator: Orchestrator;
  readonly catalog: PlanCatalog;
  readonly heartbeatMs: number;
  readonly closing: AbortSignal;
  isDraining(): boolean;
  readonly metrics: ServedMetrics;
}
