/** Compiled plan versions by hash, the most recently used of them: all runs of a version share one. */
import { RunchartError } from '../errors.js';
import { compilePlan } from '../plan/compile.js';
import { formatIssues } from '../plan/issue.js';
import type { PlanVersion } from '../plan/plan-version.js';

export class PlanCache {
  readonly #versions = new Map<string, PlanVersion>();
  readonly #limit: number;

  constructor(limit = 100) {
    this.#limit = limit;
  }

  get(hash: string): PlanVersion | undefined {
    const version = this.#versions.get(hash);
    if (version !== undefined) this.put(version);
    return version;
  }

  put(version: PlanVersion): void {
    this.#versions.delete(version.hash);
    this.#versions.set(version.hash, version);
    const [oldest] = this.#versions.keys();
    if (this.#versions.size > this.#limit && oldest !== undefined) this.#versions.delete(oldest);
  }

  /** The version with this hash, compiled from its stored text where it is not at hand. */
  fromStored(hash: string, planJson: string): PlanVersion {
    const cached = this.get(hash);
    if (cached !== undefined) return cached;
    const compiled = compilePlan(JSON.parse(planJson));
    if (!compiled.ok) {
      throw new RunchartError(
        'run-unrestorable',
        `plan ${hash} does not compile in this version: ${formatIssues(compiled.issues)}`,
      );
    }
    if (compiled.version.hash !== hash) {
      throw new RunchartError('run-unrestorable', `plan ${hash} does not match its hash`);
    }
    this.put(compiled.version);
    return compiled.version;
  }
}
