/**
 * Prometheus metrics of one orchestrator, in a registry of its own. Invariants: on the hot path there are
 * only counts in memory; what has to be looked up is looked up when it is asked for, and not more often
 * than once in `READ_EVERY_MS`; labels have few values, and none of them comes from users but the keys of
 * handlers.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RunObserver } from '../actors/run-observers.js';
import { isFinal, RUN_STATUSES } from '../machines/statuses.js';
import type { Orchestrator } from '../orchestrator.js';
import type { Tallies } from '../storage/run-rows.js';
import { LoopLagMeter } from './loop-lag.js';

/** How old counts of rows may be, in milliseconds. */
const READ_EVERY_MS = 5_000;
const COMMIT_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const WORK_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200];
const GROUP_SIZES = [1, 2, 5, 10, 25, 50, 100, 250, 500];
const NO_TALLIES: Tallies = { runs: {}, openTasks: 0, timers: 0 };

/** What was answered, for the metrics of HTTP. */
export interface AnsweredRequest {
  readonly method: string;
  /** The pattern of its path, as `/runs/:id`. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** Counts from now on. */
export function createMetrics(orchestrator: Orchestrator): Metrics {
  return new Metrics(orchestrator);
}

/** Metrics of an orchestrator in the text format of Prometheus; made by `createMetrics`. */
export class Metrics {
  readonly registry = new Registry();
  readonly #orchestrator: Orchestrator;
  readonly #requests: Histogram;
  readonly #lag = new LoopLagMeter();
  readonly #forget: () => void;
  #tallies = NO_TALLIES;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(orchestrator: Orchestrator) {
    this.#orchestrator = orchestrator;
    this.#forget = orchestrator.observe(this.#observer());
    this.#requests = new Histogram({
      name: 'runchart_http_request_duration_seconds',
      help: 'Time until an answer began, by route',
      labelNames: ['method', 'route', 'status'],
      buckets: WORK_SECONDS,
      registers: [this.registry],
    });
    this.#addGauges();
  }

  /** Media type of `text`. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text exposition. Where the database cannot be read, it has the counts that were read last. */
  async text(): Promise<string> {
    await this.#read();
    return this.registry.metrics();
  }

  requestAnswered({ method, route, status, seconds }: AnsweredRequest): void {
    this.#requests.observe({ method, route, status }, seconds);
  }

  /** Counts no more. */
  close(): void {
    this.#forget();
    this.#lag.close();
    this.registry.clear();
  }

  async #read(): Promise<void> {
    if (performance.now() - this.#readAt < READ_EVERY_MS) return;
    this.#readAt = performance.now();
    this.#tallies = await this.#orchestrator.runs.rows.tallies().catch(() => this.#tallies);
  }

  #observer(): RunObserver {
    const turns = this.#counter('runchart_turns_total', 'Turns that became durable');
    const attempts = this.#counter('runchart_attempts_total', 'Attempts that ended', ['outcome']);
    const ended = this.#counter('runchart_runs_ended_total', 'Runs that ended here', ['status']);
    const commits = this.#counter('runchart_commits_total', 'Transactions', ['outcome']);
    const commitSeconds = this.#histogram(
      'runchart_commit_duration_seconds',
      'Time that a transaction took until it was durable',
      COMMIT_SECONDS,
    );
    const groupSize = this.#histogram(
      'runchart_commit_group_size',
      'Turns and rows in one transaction',
      GROUP_SIZES,
    );
    const handlers = this.#histogram(
      'runchart_handler_duration_seconds',
      'Time that handlers worked',
      WORK_SECONDS,
      ['handler', 'outcome'],
    );
    return {
      turnCommitted(_run, { rows }) {
        turns.inc();
        for (const { outcome } of rows.attempts) if (outcome !== null) attempts.inc({ outcome });
        const status = rows.runChanged?.status;
        if (status !== undefined && isFinal(status)) ended.inc({ status });
      },
      handlerCalled({ handler }) {
        const begun = performance.now();
        return {
          ended: (outcome) =>
            handlers.observe({ handler, outcome }, (performance.now() - begun) / 1_000),
        };
      },
      groupCommitted({ items, durationMs, isDurable }) {
        commits.inc({ outcome: isDurable ? 'durable' : 'void' });
        commitSeconds.observe(durationMs / 1_000);
        groupSize.observe(items);
      },
    };
  }

  #addGauges(): void {
    const health = () => this.#orchestrator.health();
    this.#gauge('runchart_up', 'Whether decisions can be made durable', () =>
      health().status === 'ok' ? 1 : 0,
    );
    this.#gauge(
      'runchart_journal_queue',
      'Turns and rows that wait to be durable',
      () => health().journalQueue,
    );
    this.#gauge(
      'runchart_turns_under_way',
      'Turns decided and not durable yet',
      () => health().supervisor.turnsUnderWay,
    );
    this.#gauge(
      'runchart_handlers_at_work',
      'Handlers at work here',
      () => health().supervisor.handlersAtWork,
    );
    this.#gauge('runchart_runs_resident', 'Runs in memory', () => health().supervisor.residentRuns);
    this.#gauge('runchart_runs_parked', 'Runs that have not ended and take no memory', () =>
      Math.max(0, liveRuns(this.#tallies) - health().supervisor.residentRuns),
    );
    this.#gauge(
      'runchart_runs_obstructed',
      'Runs met here that cannot go on here',
      () => health().supervisor.obstructedRuns.length,
    );
    this.#gauge('runchart_tasks_open', 'What people are asked', () => this.#tallies.openTasks);
    this.#gauge('runchart_timers_pending', 'Armed timers', () => this.#tallies.timers);
    this.#gauge('process_resident_memory_bytes', 'Resident memory of the process', () =>
      process.memoryUsage.rss(),
    );
    this.#addRuns();
    this.#addLag();
  }

  #addRuns(): void {
    const tallies = () => this.#tallies.runs;
    new Gauge({
      name: 'runchart_runs',
      help: 'Runs that have not ended, by status',
      labelNames: ['status'],
      registers: [this.registry],
      collect() {
        for (const status of RUN_STATUSES) {
          if (!isFinal(status)) this.set({ status }, tallies()[status] ?? 0);
        }
      },
    });
  }

  #addLag(): void {
    const lag = this.#lag;
    new Gauge({
      name: 'runchart_event_loop_lag_seconds',
      help: 'Lateness of the event loop since the last scrape',
      labelNames: ['of'],
      registers: [this.registry],
      collect() {
        const { meanSeconds, p99Seconds, maxSeconds } = lag.take();
        this.set({ of: 'mean' }, meanSeconds);
        this.set({ of: 'p99' }, p99Seconds);
        this.set({ of: 'max' }, maxSeconds);
      },
    });
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, buckets: number[], labelNames: string[] = []): Histogram {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string, read: () => number): void {
    const { registry } = this;
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
}

function liveRuns({ runs }: Tallies): number {
  return Object.values(runs).reduce((sum, count) => sum + count, 0);
}
