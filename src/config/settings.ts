/** The one table of settings. docs/configuration.md is made of it, and a test compares. */
import { join } from 'node:path';
import { DEFAULT_AUDIT } from '../access/audit-trail.js';
import { DEFAULT_RATE, DEFAULT_TENANT_RATE } from '../http/access/rate-limit.js';
import { DEFAULT_MAX_ALL_STREAMS, DEFAULT_MAX_STREAMS } from '../http/open-streams.js';
import { DEFAULT_LIMITS, type OrchestratorLimits } from '../orchestrator-options.js';
import { database, duration, type Kind, listOf, oneOf, path, text, wholeNumber } from './kinds.js';

export interface Setting<T> {
  readonly kind: Kind<T>;
  /** Undefined: there is none unless it is given. */
  readonly fallback?: T;
  /** Environment variable. */
  readonly env: string;
  /** Flag of `runchart serve`, without its dashes. */
  readonly flag?: string;
  readonly about: string;
}

export const DEFAULT_DATABASE = join('.runchart', 'runchart.db');
export const DEFAULT_PORT = 4747;
export const DEFAULT_HOST = '127.0.0.1';

function setting<T>(
  env: string,
  kind: Kind<T>,
  about: string,
  more: { readonly fallback?: NoInfer<T>; readonly flag?: string } = {},
): Setting<T> {
  return { env: `RUNCHART_${env}`, kind, about, ...more };
}

function limit(name: keyof OrchestratorLimits, about: string, kind = wholeNumber(1)) {
  const env = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return setting(`LIMITS_${env}`, kind, about, { fallback: DEFAULT_LIMITS[name] });
}

/** By their path in a file. */
export const SETTINGS = {
  database: setting('DB', database, 'the database', { fallback: DEFAULT_DATABASE, flag: 'db' }),
  keys: setting('KEYS', path, 'file of the keys that payloads are encrypted with', {
    flag: 'keys',
  }),
  handlers: setting('HANDLERS', path, 'ES module that exports the handlers', { flag: 'handlers' }),
  plans: setting('PLANS', listOf(path), 'files of the plans on offer; as arguments of `serve`', {
    fallback: [],
  }),
  start: setting('START', text, 'plan of which a run is started, once per database', {
    flag: 'start',
  }),
  executors: setting('EXECUTORS', listOf(text), 'owners that need no handler, as `user/alice`', {
    fallback: [],
  }),
  'server.port': setting('PORT', wholeNumber(0, 65_535), 'port; 0 takes a free one', {
    fallback: DEFAULT_PORT,
    flag: 'port',
  }),
  'server.host': setting('HOST', text, 'address to listen on; beyond loopback with tokens only', {
    fallback: DEFAULT_HOST,
    flag: 'host',
  }),
  'server.headersTimeout': setting(
    'HEADERS_TIMEOUT',
    duration,
    'how long a client may take to send the headers of a request; then it gets a 408',
    { fallback: 15_000 },
  ),
  'server.requestTimeout': setting(
    'REQUEST_TIMEOUT',
    duration,
    'how long a client may take to send all of a request; then it gets a 408',
    { fallback: 300_000 },
  ),
  'server.tokens': setting(
    'TOKENS',
    oneOf('optional', 'required'),
    'whether a token is needed on loopback too',
    { fallback: 'optional', flag: 'tokens' },
  ),
  'server.maxStreams': setting('MAX_STREAMS', wholeNumber(1), 'streams that a principal has open', {
    fallback: DEFAULT_MAX_STREAMS,
  }),
  'server.maxAllStreams': setting(
    'MAX_ALL_STREAMS',
    wholeNumber(1),
    'streams and waiting requests in all; then the tenant that has most ends one for another',
    { fallback: DEFAULT_MAX_ALL_STREAMS },
  ),
  'server.rate': setting(
    'RATE',
    wholeNumber(1),
    'requests a second of one principal; five times as many at once',
    { fallback: DEFAULT_RATE },
  ),
  'server.tenantRate': setting(
    'TENANT_RATE',
    wholeNumber(1),
    'requests a second of all principals of one tenant; five times as many at once',
    { fallback: DEFAULT_TENANT_RATE },
  ),
  'log.level': setting(
    'LOG',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'least level that is logged, to standard error',
    { fallback: 'warn', flag: 'log-level' },
  ),
  'log.format': setting('LOG_FORMAT', oneOf('json', 'text'), 'how lines are written', {
    fallback: 'json',
    flag: 'log-format',
  }),
  'shutdown.delay': setting(
    'SHUTDOWN_DELAY',
    duration,
    'how long the server says that it is not ready before it takes no more connections',
    { fallback: 0, flag: 'shutdown-delay' },
  ),
  'retention.runs': setting('RETENTION_RUNS', duration, 'age at which runs that ended go'),
  'retention.history': setting('RETENTION_HISTORY', duration, 'age at which old events go'),
  'retention.answers': setting(
    'RETENTION_ANSWERS',
    duration,
    'age at which answers to keyed calls about no run go: a week unless set',
  ),
  'retention.every': setting('RETENTION_EVERY', duration, 'time between two looks', {
    fallback: 3_600_000,
  }),
  'retention.audit': setting('RETENTION_AUDIT', duration, 'age at which records of the audit go', {
    fallback: DEFAULT_AUDIT.maxAgeMs,
  }),
  'retention.auditRecords': setting(
    'RETENTION_AUDIT_RECORDS',
    wholeNumber(1),
    'records of the audit; beyond it those of the tenant that has most go',
    { fallback: DEFAULT_AUDIT.maxRecords },
  ),
  'limits.concurrency': limit('concurrency', 'handlers at work in this process'),
  'limits.runConcurrency': limit('runConcurrency', 'handlers of one run at work'),
  'limits.maxResidentRuns': limit('maxResidentRuns', 'runs in memory'),
  'limits.maxTurnSize': limit('maxTurnSize', 'node runs that one turn may change'),
  'limits.maxTurnsUnderWay': limit('maxTurnsUnderWay', 'turns decided and not durable'),
  'limits.maxInbox': limit('maxInbox', 'messages that may wait for one run'),
  'limits.graceMs': limit('graceMs', 'time of handlers whose run is ending', duration),
  'limits.drainMs': limit('drainMs', 'time of handlers when the process stops', duration),
  'limits.inlinePayloadBytes': limit('inlinePayloadBytes', 'largest artifact kept in a row'),
  'limits.maxPayloadBytes': limit('maxPayloadBytes', 'largest artifact'),
} as const;

export type SettingName = keyof typeof SETTINGS;

type ValueOf<S> = S extends { readonly kind: Kind<infer T> } ? T : never;

/** Value of every setting; undefined for those that were not given and have no fallback. */
export type Settings = {
  readonly [K in SettingName]: ValueOf<(typeof SETTINGS)[K]> | undefined;
};

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];
