/** A schedule over the orchestrator on a real file, in simulated time. */
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator, type Orchestrator } from '../../src/orchestrator.js';
import type { Plan } from '../../src/plan/schema.js';
import { MemoryScheduleStore } from '../../src/schedules/memory-schedule-store.js';
import type { ScheduledRuns } from '../../src/schedules/ports.js';
import { runIdRange } from '../../src/schedules/schedule.js';
import { ScheduleService } from '../../src/schedules/schedule-service.js';
import { simulatedEnvironment } from '../../src/testing/simulation.js';
import { temporaryDatabase } from '../persistence/support/storage.js';
import { action, plan } from '../support/plans.js';

/** The port over the public API, for one plan. */
class Runs implements ScheduledRuns {
  readonly started: string[] = [];
  /** Resolves with the first run that is durable. */
  readonly first: Promise<string>;
  #tellFirst: (run: string) => void = () => {};
  /** Rejects `first`. */
  fail: (error: unknown) => void = () => {};
  readonly #orchestrator: Orchestrator;
  readonly #plan: Plan;
  #onEnded: (run: string) => void = () => {};

  constructor(orchestrator: Orchestrator, scheduled: Plan) {
    this.#orchestrator = orchestrator;
    this.#plan = scheduled;
    this.first = new Promise((resolve, reject) => {
      this.#tellFirst = resolve;
      this.fail = reject;
    });
  }

  async start({ run, input, metadata }: Parameters<ScheduledRuns['start']>[0]): Promise<void> {
    await this.#orchestrator.start(this.#plan, { id: run, input, metadata });
    this.started.push(run);
    this.#tellFirst(run);
    void this.#orchestrator.result(run).then(() => this.#onEnded(run));
  }

  async cancel(run: string, reason: string): Promise<void> {
    await this.#orchestrator.cancel(run, { reason });
  }

  async status(run: string) {
    return (await this.#orchestrator.runs.summary(run)).status;
  }

  async newest(schedule: string): Promise<string | undefined> {
    const { from, before } = runIdRange(schedule);
    return this.started
      .filter((id) => id >= from && id < before)
      .sort()
      .at(-1);
  }

  onEnded(listener: (run: string) => void): () => void {
    this.#onEnded = listener;
    return () => {};
  }
}

it('S39 a scheduled run records its schedule, plan and version, is pending, runs and ends', async () => {
  const environment = simulatedEnvironment(1);
  const handlers = { work: (input: unknown) => ({ input }) };
  const orchestrator = await createOrchestrator({
    url: temporaryDatabase(),
    handlers,
    environment,
  });
  onTestFinished(() => orchestrator.close());
  const version = plan([action('a')]);
  const runs = new Runs(orchestrator, version.plan);
  const complain = ({ error }: { error?: unknown }) => runs.fail(error);
  const logger = { debug() {}, info() {}, warn() {}, error: complain };
  const { clock } = environment;
  const store = new MemoryScheduleStore();
  const service = new ScheduleService({ clock, store, runs, logger });
  const schedule = await service.create({
    id: 'nightly',
    plan: version.hash,
    label: 'audit',
    cadence: { cron: '0 6 * * *', timeZone: 'Europe/Berlin' },
    input: { depth: 3 },
  });
  const occurrence = schedule.dueAt ?? 0;
  clock.advance(occurrence - clock.now());

  const run = await runs.first;
  expect(run).toBe('nightly:20231115T050000.000Z');
  expect((await orchestrator.result(run)).status).toBe('completed');
  const events = await orchestrator.runs.events(run, 0);
  const statuses = events
    .filter(({ type }) => type.startsWith('run.'))
    .map(({ detail }) => (detail as { to: string }).to);
  expect(statuses).toEqual(['pending', 'ready', 'running', 'completed']);
  const { metadata, plan: pinned, createdAt } = await orchestrator.runs.summary(run);
  expect({ pinned, createdAt }).toEqual({ pinned: version.hash, createdAt: occurrence });
  expect(metadata).toEqual({
    schedule: 'nightly',
    occurrence,
    plan: 'audit',
    version: version.hash,
  });
  await service.close();
});
