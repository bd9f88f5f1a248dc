/** `runchart/client`: a typed client of the HTTP API. docs/client.md describes it. */
export type * from './api.js';
export { type Call, type CallOptions, type Client, createClient } from './client.js';
export type { FollowAllOptions } from './follow-all-events.js';
export type { FollowOptions } from './follow-events.js';
export type { StreamItem, WatchOptions } from './follow-stream.js';
export { ProblemError } from './problem-error.js';
export type { Listening } from './reconnecting.js';
export type { ClientOptions } from './transport.js';
