/** Checks what a worker asks for. */
import type { Capability } from '../actors/messages.js';
import { RunchartError } from '../errors.js';
import type { Keyed } from '../keyed.js';
import { isName, MAX_NAME_LENGTH } from '../plan/name.js';
import { readOptions } from '../read-arguments.js';

/** What a worker asks for. */
export interface ClaimOptions extends Keyed {
  /** Names the worker in the log, 1 to 256 characters. */
  readonly worker: string;
  /** What it can do: names, or names with the version that it does the work with. */
  readonly capabilities: readonly (string | Capability)[];
  /** How many attempts at most, 1 to 100; 1 unless given. */
  readonly limit?: number | undefined;
  /** How long to wait where there is no work, at most 60,000 milliseconds; 0 unless given. */
  readonly waitMs?: number | undefined;
  /** Ends the wait; what was claimed meanwhile is given back. */
  readonly signal?: AbortSignal | undefined;
}

export interface ClaimRequest {
  readonly worker: string;
  readonly capabilities: readonly Capability[];
  readonly limit: number;
  readonly waitMs: number;
  readonly idempotencyKey: string | undefined;
}

const MAX_CAPABILITIES = 100;
const MAX_LIMIT = 100;
export const MAX_WAIT_MS = 60_000;

/** Throws a RunchartError `argument-invalid`. */
export function readClaim(options: ClaimOptions): ClaimRequest {
  const { worker, capabilities, limit = 1, waitMs = 0, idempotencyKey } = readOptions(options);
  readName(worker, 'worker');
  if (idempotencyKey !== undefined) readName(idempotencyKey, 'an idempotency key');
  if (!Array.isArray(capabilities) || capabilities.length === 0) {
    throw invalid('capabilities is a list of at least one');
  }
  if (capabilities.length > MAX_CAPABILITIES) {
    throw invalid(`there are at most ${MAX_CAPABILITIES} capabilities`);
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw invalid(`limit is a whole number from 1 to ${MAX_LIMIT}`);
  }
  return {
    worker,
    capabilities: capabilities.map(readCapability),
    limit,
    waitMs: readWait(waitMs),
    idempotencyKey,
  };
}

export function readWait(waitMs: number): number {
  if (Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= MAX_WAIT_MS) return waitMs;
  throw invalid(`waitMs is a whole number from 0 to ${MAX_WAIT_MS}`);
}

function readCapability(given: string | Capability): Capability {
  const { name, version } = typeof given === 'string' ? { name: given } : (given ?? {});
  readName(name, 'the name of a capability');
  if (version === undefined) return { name };
  readName(version, 'the version of a capability');
  return { name, version };
}

function readName(value: unknown, what: string): asserts value is string {
  if (isName(value)) return;
  throw invalid(`${what} has 1 to ${MAX_NAME_LENGTH} characters`);
}

function invalid(message: string): RunchartError {
  return new RunchartError('argument-invalid', message);
}
