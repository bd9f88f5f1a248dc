/** What stands in place of a handler whose work is done by workers outside of the process. */
import { RunchartError } from '../errors.js';

/** How work goes outside. */
export interface ExternalOptions {
  /** What workers claim it by; the key that it is registered under unless given. */
  readonly capability?: string;
  /** How long a worker may be silent before another one gets the work, in milliseconds; 30,000 unless given. */
  readonly leaseMs?: number;
}

const DEFAULT_LEASE_MS = 30_000;
const MIN_LEASE_MS = 100;
const MAX_LEASE_MS = 86_400_000;

/** A handler whose work is done outside of this process; made by `external`. */
export class ExternalHandler {
  readonly capability: string | undefined;
  readonly leaseMs: number;

  constructor({ capability, leaseMs = DEFAULT_LEASE_MS }: ExternalOptions) {
    if (capability === '') throw invalid('capability must be a name');
    if (!Number.isInteger(leaseMs) || leaseMs < MIN_LEASE_MS || leaseMs > MAX_LEASE_MS) {
      throw invalid(`leaseMs must be an integer from ${MIN_LEASE_MS} to ${MAX_LEASE_MS}`);
    }
    this.capability = capability;
    this.leaseMs = leaseMs;
  }
}

/** Registers a key for external workers: an attempt waits until one claims it. Throws a RunchartError `argument-invalid`. */
export function external(options: ExternalOptions = {}): ExternalHandler {
  return new ExternalHandler(options);
}

function invalid(message: string): RunchartError {
  return new RunchartError('argument-invalid', `external: ${message}`);
}
