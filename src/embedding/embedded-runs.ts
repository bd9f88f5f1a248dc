/**
 * What actors that stand for runs ask of the orchestrator. Starts and cancellations are tried again where
 * that may help; what hosts let go is cancelled before the orchestrator closes.
 */
import type { Environment } from '../actors/environment.js';
import type { Logger } from '../actors/handlers.js';
import type { LiveRun } from '../actors/live-index.js';
import { RunchartError } from '../errors.js';
import { NODE_STATUSES, type NodeStatus } from '../machines/statuses.js';
import type { Plan } from '../plan/schema.js';
import type { RunReader } from '../run-reader.js';
import type { RunWatch } from '../run-watch.js';
import type { StartOptions } from '../start-options.js';
import type { RunEvent, RunResult } from '../views.js';
import { persevere } from './persevere.js';

/** Events that are read, and emitted, at a time. */
const PAGE_SIZE = 200;

interface EmbeddedRunsParts {
  readonly environment: Environment;
  readonly logger: Logger;
  readonly runs: RunReader;
  readonly watch: RunWatch;
  readonly live: (run: string) => LiveRun | undefined;
  readonly start: (plan: Plan, options: StartOptions) => Promise<unknown>;
  readonly cancel: (run: string, options: { reason: string }) => Promise<unknown>;
}

export class EmbeddedRuns {
  readonly #parts: EmbeddedRunsParts;
  /** Cancellations under way. */
  readonly #lettingGo = new Set<Promise<void>>();

  constructor(parts: EmbeddedRunsParts) {
    this.#parts = parts;
  }

  newId(): string {
    return this.#parts.environment.id();
  }

  /** Starts a run under its id; the same again is the same run. Rejects as `start` of the orchestrator. */
  async start(plan: Plan, id: string, options: StartOptions, signal: AbortSignal): Promise<void> {
    const { environment, start } = this.#parts;
    await persevere(environment.clock, () => start(plan, { ...options, id }), signal);
  }

  async exists(id: string): Promise<boolean> {
    try {
      await this.#parts.runs.summary(id);
      return true;
    } catch (error) {
      if (error instanceof RunchartError && error.code === 'run-unknown') return false;
      throw error;
    }
  }

  /** The events of a run after a number, some at a time, until it ends, the signal is raised or all is closed. */
  pages(id: string, after: number, signal: AbortSignal): AsyncIterable<readonly RunEvent[]> {
    return this.#parts.watch.pages(id, { after, signal, pageSize: PAGE_SIZE });
  }

  /** Status and counts of a run, if it is at the last event of a page. */
  async progressAt(id: string, page: readonly RunEvent[]): Promise<LiveRun | undefined> {
    const seq = page.at(-1)?.seq;
    let live = this.#parts.live(id);
    // A full page is hardly the last one.
    if (live === undefined && page.length < PAGE_SIZE) live = await this.#readProgress(id);
    return live?.seq === seq ? live : undefined;
  }

  /** Resolves when the run has ended. Rejects with `closing` where this process will not see that. */
  async result(id: string): Promise<RunResult> {
    await this.#parts.watch.whenEnded(id);
    return this.#parts.runs.result(id);
  }

  /** Cancels a run that nobody waits for any more, once its start is over and if it was one. */
  letGo(id: string, isThere: Promise<boolean>): void {
    const done = this.#cancel(id, isThere).finally(() => this.#lettingGo.delete(done));
    this.#lettingGo.add(done);
  }

  /** Resolves when every run that was let go is cancelled, or cannot be. */
  async whenLetGo(): Promise<void> {
    await Promise.all(this.#lettingGo);
  }

  async #cancel(id: string, isThere: Promise<boolean>): Promise<void> {
    try {
      if (!(await isThere)) return;
      const { environment, cancel } = this.#parts;
      const reason = 'its host let it go';
      await persevere(environment.clock, () => cancel(id, { reason }));
    } catch (error) {
      if (error instanceof RunchartError && error.code === 'run-ended') return;
      this.#parts.logger.error({ run: id, error }, 'a run that its host let go was not cancelled');
    }
  }

  /** Of a run that is not in memory. */
  async #readProgress(id: string): Promise<LiveRun> {
    const { status, seq, nodes } = await this.#parts.runs.details(id);
    const counts = Object.fromEntries(NODE_STATUSES.map((each) => [each, 0]));
    for (const node of nodes) counts[node.status] = (counts[node.status] ?? 0) + 1;
    return { id, status, seq, nodes: counts as Record<NodeStatus, number> };
  }
}
