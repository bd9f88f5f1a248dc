/** What an orchestrator is opened with, and what it is limited to unless told otherwise. */
import type { AuditOptions } from './access/audit-trail.js';
import type { HandlerPolicy } from './actors/admission/handler-policy.js';
import type { Environment } from './actors/environment.js';
import type { Handlers, Logger } from './actors/handlers.js';
import type { Middleware } from './actors/middleware.js';
import type { PayloadCodec } from './actors/ports.js';
import type { SupervisorLimits } from './actors/supervisor.js';
import type { WebhookOptions } from './delivery/new-delivery.js';
import type { Retention } from './history/history-service.js';
import type { Evaluators } from './plan/evaluator.js';
import type { Storage } from './storage/storage.js';
import type { Groups } from './tasks.js';

/** All that an orchestrator is opened with beside the place of its data. */
export interface OrchestratorSettings<Services = unknown> {
  readonly handlers: Handlers<Services>;
  /** What handlers find in their context: connections, clients. */
  readonly services?: Services;
  /** What is put around every handler of this process, the first outermost. See docs/handlers.md. */
  readonly middleware?: readonly Middleware<Services>[];
  /** Owners that need no handler, as `user/alice`. */
  readonly executors?: readonly string[];
  /** Takes up, at once, what an earlier process left in motion; on unless false. */
  readonly recover?: boolean;
  readonly logger?: Logger;
  readonly environment?: Environment;
  readonly limits?: Partial<OrchestratorLimits>;
  /** Of languages beside CEL for conditions and expressions, by the name that plans give as `language`. See docs/plans.md. */
  readonly evaluators?: Evaluators;
  /** Limits of single handlers, by key: concurrency, rate, circuit breaker. See docs/admission.md. */
  readonly policies?: Readonly<Record<string, HandlerPolicy>>;
  /** Who belongs to which group, for tasks that are put to groups. See docs/people.md. */
  readonly groups?: Groups;
  /** Where webhooks may be sent, and how often. See docs/webhooks.md. */
  readonly webhooks?: WebhookOptions;
  /** How long runs and their logs are kept; for good unless given. See docs/history.md. */
  readonly retention?: Retention;
  /** How much of the audit is kept, and how long. See docs/access.md. */
  readonly audit?: AuditOptions;
}

/** Where handlers or middleware need services they have to be given. */
export type GivenServices<Services> = unknown extends Services
  ? unknown
  : { readonly services: Services };

/** What an orchestrator on a database is opened with. */
export interface OrchestratorOptions<Services = unknown> extends OrchestratorSettings<Services> {
  /** The database file, as a path or a `file:` URL. It is made where it does not exist. */
  readonly url: string;
  /** How payloads are stored: encrypted for instance, see `encryptedPayloads`; as JSON unless given. */
  readonly payloads?: PayloadCodec;
}

/** What an orchestrator on storage of one's own is opened with. */
export interface StorageOrchestratorOptions<Services = unknown>
  extends OrchestratorSettings<Services> {
  /** The orchestrator becomes its owner, and closes it as it closes itself. See docs/storage.md. */
  readonly storage: Storage;
}

/** Bounds of one process; docs/admission.md says what they are for. */
export interface OrchestratorLimits extends SupervisorLimits {
  /** Handlers of one run at work, unless its plan or its start says otherwise. */
  readonly runConcurrency: number;
  /** How long `close` waits for handlers before it aborts their signals, in milliseconds. */
  readonly drainMs: number;
}

export const DEFAULT_LIMITS: OrchestratorLimits = {
  concurrency: 1_000,
  runConcurrency: 100,
  maxResidentRuns: 10_000,
  maxTurnSize: 1_000,
  maxTurnsUnderWay: 5_000,
  maxInbox: 10_000,
  graceMs: 5_000,
  inlinePayloadBytes: 64 * 1024,
  maxPayloadBytes: 64 * 1024 * 1024,
  drainMs: 10_000,
};
