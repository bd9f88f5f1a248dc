import type { Access, Session } from '../access/access.js';
import type { AuditTrail } from '../access/audit-trail.js';
import type { TaskLinks } from '../access/task-links.js';
import type { Orchestrator } from '../orchestrator.js';
import type { OrchestratorView } from '../orchestrator-view.js';
import type { RateLimit } from './access/rate-limit.js';
import type { McpEndpoint } from './mcp/endpoint.js';
import type { ServedMetrics } from './measure.js';
import type { OpenStreams } from './open-streams.js';
import type { PlanCatalog } from './plan-catalog.js';

/** What the routes work with. */
export interface HttpScope {
  /** As whoever asks sees it. */
  readonly orchestrator: OrchestratorView;
  /** The whole of it. Throws `role-refused` unless whoever asks may have that. */
  readonly host: Orchestrator;
  readonly access: Access;
  readonly audit: AuditTrail;
  readonly links: TaskLinks<unknown>;
  /** Who asks; undefined where nobody has to say. */
  readonly session?: Session;
  /** Whether everybody but for health has to say who he is. */
  readonly needsTokens: boolean;
  /** What addresses are refused. */
  readonly refused: RateLimit;
  readonly catalog: PlanCatalog;
  readonly heartbeatMs: number;
  readonly closing: AbortSignal;
  readonly streams: OpenStreams;
  isDraining(): boolean;
  readonly metrics: ServedMetrics;
  readonly agents: McpEndpoint;
}
