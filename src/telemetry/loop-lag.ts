/** How late the event loop comes to what is due: what it was kept from by other work. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;

export interface LoopLag {
  readonly meanSeconds: number;
  readonly p99Seconds: number;
  readonly maxSeconds: number;
}

export class LoopLagMeter {
  readonly #delays: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#delays.enable();
  }

  /** Since the last time it was asked. */
  take(): LoopLag {
    const { mean, max } = this.#delays;
    const p99 = this.#delays.percentile(99);
    const hasValues = max > 0 && Number.isFinite(mean);
    this.#delays.reset();
    return {
      meanSeconds: hasValues ? lateness(mean) : 0,
      p99Seconds: hasValues ? lateness(p99) : 0,
      maxSeconds: hasValues ? lateness(max) : 0,
    };
  }

  close(): void {
    this.#delays.disable();
  }
}

/** The histogram counts the interval itself, in nanoseconds. */
function lateness(ns: number): number {
  return Math.max(0, ns / 1e9 - RESOLUTION_MS / 1_000);
}
