/** The public API. */
export type { Access, CreatedToken, Session, TokenPage, TokenView } from './access/access.js';
export type {
  AuditedRequest,
  AuditOptions,
  AuditPage,
  AuditTrail,
  AuditView,
} from './access/audit-trail.js';
export { TOKEN_ROLES, type TokenRole } from './access/roles.js';
export type {
  LinkAnswer,
  LinkOptions,
  OpenedLink,
  TaskLink,
  TaskLinks,
} from './access/task-links.js';
export type { TokenOptions } from './access/token-options.js';
export type { Clock, Environment } from './actors/environment.js';
export { ExternalHandler, type ExternalOptions, external } from './actors/external-handler.js';
export { VersionedHandler, versions } from './actors/handler-versions.js';
export type {
  Handler,
  HandlerContext,
  HandlerFunction,
  Handlers,
  LifecycleClass,
  LifecycleHandler,
  LocalHandler,
  Logger,
} from './actors/handlers.js';
export type { LiveRun } from './actors/live-index.js';
export type { CallOutcome, HandlerCall, Middleware } from './actors/middleware.js';
export type { GroupCommit, PayloadCodec } from './actors/ports.js';
export type { PlanDiff, PlanDiffEntry } from './actors/run/plan-diff.js';
export type { Replanned } from './actors/run/replan.js';
export type { CallEnd, ObservedCall, RunObserver, UpcomingCall } from './actors/run-observers.js';
export type {
  StreamEnd,
  Streamed,
  StreamedChunk,
  StreamGap,
  StreamItem,
} from './actors/streams/attempt-stream.js';
export { type TraceContext, traceFromHeaders } from './actors/trace-context.js';
export type { BulkAction } from './bulk/bulk-action.js';
export type {
  BulkApply,
  BulkChanges,
  BulkOutcome,
  BulkPage,
  BulkPreview,
} from './bulk/bulk-changes.js';
export type { BulkFilter } from './bulk/bulk-filter.js';
export type {
  ChangedNode,
  ChangeOptions,
  CompleteNodeOptions,
  ForkedRun,
  ForkOptions,
  PatchInputOptions,
  ReplaceOptions,
  ReplanOptions,
} from './change/change-options.js';
export type { RunChanges } from './change/run-changes.js';
export { createOrchestrator } from './create-orchestrator.js';
export type { DeadLetterPage, DeadLetters } from './delivery/dead-letters.js';
export type { Delivered } from './delivery/delivered.js';
export type { NewWebhook, WebhookChanges } from './delivery/draft.js';
export type {
  BusEvent,
  BusGap,
  BusListener,
  BusOptions,
  BusPage,
  BusPageOptions,
  EventBus,
  SubscribeOptions,
} from './delivery/event-bus.js';
export type { EventFilter } from './delivery/event-filter.js';
export type { WebhookOptions } from './delivery/new-delivery.js';
export type { DeliveryError, DeliveryErrorCode } from './delivery/send.js';
export type { BusView } from './delivery/tenant-bus.js';
export type {
  DeadLetter,
  DeadLetterWithBody,
  Webhook,
  WebhookWithSecret,
} from './delivery/webhook.js';
export type { RotateOptions, Webhooks } from './delivery/webhooks.js';
export type { EmittedEvent, EmittedRunEvent, EventsTrimmed } from './embedding/emitted-event.js';
export type { RunLogicEvent } from './embedding/run-attendance.js';
export type { LogicOptions, RunLogic, RunLogicInput } from './embedding/run-logic.js';
export type { RunLogicContext, RunLogicSnapshot } from './embedding/run-pointer.js';
export {
  type EncryptionKey,
  type EncryptionKeys,
  encryptedPayloads,
  keyRing,
} from './encrypted-payloads.js';
export { ERROR_KINDS, type ErrorCode, RunchartError } from './errors.js';
export type { Retention } from './history/history-service.js';
export type { Imported, ImportOptions } from './history/import-run.js';
export type { ReplayView, VerificationView } from './history/replay-view.js';
export type { Difference } from './history/state-hash.js';
export type { Trimmed, TrimOptions } from './history/trim.js';
export type { InspectionCandidate, Mask, MaskedPlace } from './inspect/conversion.js';
export type { Inspection, InspectOptions } from './inspect/inspection.js';
export type {
  InspectedActor,
  InspectedChange,
  InspectedEvent,
  InspectedFact,
  InspectedSnapshot,
  InspectionEvent,
} from './inspect/inspection-event.js';
export { type IsolatedHandler, type IsolatedOptions, isolated } from './isolation/isolated.js';
export { IsolationError, type IsolationErrorCode } from './isolation/isolation-error.js';
export type { Keyed } from './keyed.js';
export { FAILURE_CLASSES } from './machines/node-run-events.js';
export {
  NODE_STATUSES,
  type NodeStatus,
  RUN_STATUSES,
  type RunStatus,
} from './machines/statuses.js';
export { type OpenReader, type OwnerInfo, openRunReader, StorageError } from './open-reader.js';
export { type Health, Orchestrator, type UnrestorableRun } from './orchestrator.js';
export type {
  OrchestratorLimits,
  OrchestratorOptions,
  OrchestratorSettings,
  StorageOrchestratorOptions,
} from './orchestrator-options.js';
export type { OrchestratorView, Signalled, SignalOptions } from './orchestrator-view.js';
export { backupDatabase, restoreDatabase } from './persistence/backup.js';
export { type DatabaseExamination, examineDatabase } from './persistence/examine-database.js';
export { type PlanFor, plan } from './plan/builder.js';
export {
  type CompileOptions,
  type CompileResult,
  compilePlan,
  PlanInvalidError,
} from './plan/compile.js';
export { planToMermaid } from './plan/diagram.js';
export type { PlanEdge } from './plan/edge-schema.js';
export type { CompiledText, Evaluator, Evaluators } from './plan/evaluator.js';
export { planFromMermaid } from './plan/from-mermaid.js';
export { formatIssues, type Issue, type IssueSeverity } from './plan/issue.js';
export type { JsonObject, JsonValue } from './plan/json.js';
export { layoutOf, type PlanLayout, withLayout } from './plan/layout.js';
export type { PlanNode } from './plan/node-schemas.js';
export { parsePlanText } from './plan/parse.js';
export type { ParseResult } from './plan/parse-result.js';
export type { PlanVersion } from './plan/plan-version.js';
export { jsonSchema as planJsonSchema, type Plan } from './plan/schema.js';
export type { PresentedArtifact } from './presented-artifact.js';
export { RUN_EVENT_TYPES, type RunEventType } from './run-event-types.js';
export { type NodeRunPage, type RunFilter, RunReader } from './run-reader.js';
export type { StreamOptions } from './run-streams.js';
export type { EventsOptions, RunHandle, StartedRun } from './run-watch.js';
export type {
  CatchUpPolicy,
  OverlapPolicy,
  Schedule,
  ScheduleCounters,
} from './schedules/schedule.js';
export type { ScheduleOptions, Schedules, ScheduleUpdate } from './schedules/schedules.js';
export type { EmbeddedStart, StartOptions } from './start-options.js';
export type { Backup, BackupOptions, Storage } from './storage/storage.js';
export type { StoredPlan, StoredPlanFilter, StoredPlans } from './stored-plans.js';
export type { TaskFilter } from './task-reader.js';
export type {
  Groups,
  HandedOver,
  Responded,
  RespondOptions,
  TaskChanged,
  TaskPage,
  Tasks,
} from './tasks.js';
export { type AnsweredRequest, createMetrics, Metrics } from './telemetry/metrics.js';
export type { TenantView, Viewer } from './tenant-view.js';
export type { WebhooksView } from './tenant-webhooks.js';
export type {
  ArtifactMention,
  ArtifactView,
  AttemptView,
  CheckpointView,
  ContextChange,
  Explanation,
  ExplanationCause,
  IssueView,
  NodeRunView,
  NodeStateView,
  ResponseView,
  RunDetails,
  RunError,
  RunEvent,
  RunHead,
  RunOrigin,
  RunPart,
  RunPartLists,
  RunResult,
  RunSnapshot,
  RunState,
  RunSummary,
  SignalView,
  TaskView,
} from './views.js';
export type { ClaimOptions } from './work/read-claim.js';
export type {
  AcceptedResult,
  ClaimedWork,
  KeptPayload,
  LeaseState,
  OfferedWork,
  Work,
  WorkError,
} from './work/work.js';
