/** The whole HTTP API: every route, declared once, by the name of its operation. */
import type { DeclaredRoute, Route } from '../route-spec.js';
import { accessApi } from './access.js';
import { artifactApi } from './artifacts.js';
import { changeApi } from './changes.js';
import { documentApi } from './document.js';
import { eventApi } from './events.js';
import { healthApi } from './health.js';
import { historyApi } from './history.js';
import { mcpApi } from './mcp.js';
import { operationsApi } from './operations.js';
import { planApi } from './plans.js';
import { runApi } from './runs.js';
import { scheduleApi } from './schedules.js';
import { streamApi } from './streams.js';
import { taskApi } from './tasks.js';
import { webhookApi } from './webhooks.js';
import { workApi } from './work.js';

export const API = {
  ...healthApi,
  ...documentApi,
  ...planApi,
  ...runApi,
  ...changeApi,
  ...historyApi,
  ...artifactApi,
  ...taskApi,
  ...scheduleApi,
  ...accessApi,
  ...operationsApi,
  ...workApi,
  ...webhookApi,
  ...eventApi,
  ...streamApi,
  ...mcpApi,
} as const;

/** The same as a list. */
export const ROUTES = Object.values(API) as readonly DeclaredRoute[] as readonly Route[];
