/**
 * Acts on what durable turns want: handlers start and are aborted, runs of subplans begin, timers are armed.
 * What comes of it returns to the run as a message.
 */
import type { JsonValue } from '../plan/json.js';
import { ArtifactPayloads, type PayloadLimits } from './artifact-payloads.js';
import type { HideFor } from './attempt-logger.js';
import { type Attempt, AttemptRunner, type CheckName } from './attempt-runner.js';
import { ChildRuns, type ChildStart } from './child-runs.js';
import type { Environment } from './environment.js';
import type { HandlerRegistry } from './handler-registry.js';
import type { Logger } from './handlers.js';
import type { Lifetime } from './lifetime.js';
import type { AttemptName, HandlerReturn } from './messages.js';
import type { ArtifactStore, RunStore } from './ports.js';
import type { RunRecord } from './records.js';
import type { Residency } from './residency.js';
import type { RunActor } from './run/run-actor.js';
import type { RunMessenger } from './run-messenger.js';
import type { RunObservers } from './run-observers.js';
import type { StreamHub } from './streams/stream-hub.js';
import { TimerService } from './timer-service.js';
import type { Effect } from './turn.js';
import type { WorkBoard } from './work-board.js';

export interface EffectsParts {
  readonly environment: Environment;
  readonly store: RunStore;
  readonly artifacts: ArtifactStore;
  readonly registry: HandlerRegistry;
  readonly logger: Logger;
  readonly limits: PayloadLimits;
  readonly observers: RunObservers;
  readonly services?: unknown;
  readonly messenger: RunMessenger;
  readonly work: WorkBoard;
  readonly lifetime: Lifetime;
  readonly streams: StreamHub;
  /** What is secret of what handlers log; nothing unless given. */
  readonly hideFor?: HideFor;
  /** Whether timers of a run are this process's to fire. */
  serves(run: string): boolean;
  /** Starts the run of a subplan; rejects with a RunchartError. */
  startChild(parent: RunRecord, child: ChildStart): Promise<void>;
}

type StartEffect = Extract<Effect, { type: 'attempt.start' | 'check.start' }>;

export class Effects {
  readonly attempts: AttemptRunner;
  readonly children: ChildRuns;
  readonly timers: TimerService;
  readonly #messenger: RunMessenger;
  readonly #work: WorkBoard;
  readonly #lifetime: Lifetime;
  readonly #streams: StreamHub;

  constructor(parts: EffectsParts) {
    const { environment, store, artifacts, logger, limits, messenger } = parts;
    const { clock } = environment;
    this.#messenger = messenger;
    this.#work = parts.work;
    this.#lifetime = parts.lifetime;
    this.#streams = parts.streams;
    this.attempts = new AttemptRunner({
      ...parts,
      services: parts.services,
      payloads: new ArtifactPayloads(artifacts, limits, clock),
      reports: {
        result: (attempt, result) => this.#onResult(attempt, result),
        progress: (attempt, progress) => this.#onProgress(attempt, progress),
        heartbeat: (attempt, payload) => this.#onHeartbeat(attempt, payload),
      },
    });
    this.children = new ChildRuns({
      ...{ clock, store },
      startChild: (parent, child) => parts.startChild(parent, child),
      tell: (run, message) => new Promise((resolve) => messenger.tell(run, message, resolve)),
    });
    this.timers = new TimerService({
      ...{ clock, store, logger },
      serves: (run) => parts.serves(run),
      fire: (run, timer) => messenger.tellAndWait(run, { type: 'timer.fire', timer }),
    });
  }

  /** Nothing begins any more: the next process does it. */
  close(): void {
    this.timers.close();
    this.children.close();
  }

  carryOut(residency: Residency, actor: RunActor, effect: Effect): void {
    switch (effect.type) {
      case 'attempt.start':
      case 'check.start':
        return this.#start(residency, actor, effect);
      case 'attempt.abort':
        if (!this.attempts.abort(effect.key, 'the run is ending')) this.#work.stopped(effect.key);
        return;
      case 'child.start':
        return this.children.start(actor.record, effect);
      case 'child.cancel':
      case 'child.pause':
      case 'child.resume':
        return this.children.order(residency.id, effect);
      case 'stream.push':
        return this.#stream(residency, actor, effect);
      case 'stream.end':
        return this.#streams.end(effect.key, effect.seq);
      case 'timer.arm':
        return this.timers.arm(effect.dueAt);
      case 'turn.continue':
        return this.#messenger.tell(residency.id, { type: 'turn.continue' });
    }
  }

  #stream(
    residency: Residency,
    actor: RunActor,
    { name, chunks, number }: Extract<Effect, { type: 'stream.push' }>,
  ): void {
    // A later turn has ended the attempt, and its stream: nobody would end another.
    if (residency.state === 'active' && !actor.isCurrent(name)) return;
    const { record } = actor;
    const of = { ...name, run: record.id };
    chunks.forEach((chunk, place) => {
      this.#streams.push(record, of, chunk, undefined, number + place);
    });
  }

  #start(residency: Residency, actor: RunActor, effect: StartEffect): void {
    // Left to the next process, which closes it as interrupted.
    if (this.#lifetime.isClosing) return;
    // What an actor thrown away believes does not count: the turn is durable, so the attempt is.
    const isWanted = residency.state !== 'active' || actor.isCurrent(effect);
    if (isWanted) return this.attempts.start(actor.record, effect);
    const check = effect.type === 'check.start' ? effect : undefined;
    this.#tellResult(residency.id, { ...effect, check }, { type: 'aborted' });
  }

  #onResult(attempt: Attempt, result: HandlerReturn): void {
    // A handler that only gave up because the process is closing did not fail.
    if (this.#lifetime.isClosing && result.type === 'aborted') return;
    this.#tellResult(attempt.run, attempt, result);
  }

  #tellResult(
    run: string,
    work: AttemptName & { readonly check: CheckName | undefined },
    result: HandlerReturn,
  ): void {
    const name = nameOf(work);
    if (work.check === undefined) {
      return this.#messenger.tell(run, { type: 'attempt.result', ...name, result });
    }
    const { check, number } = work.check;
    this.#messenger.tell(run, { type: 'check.result', ...name, check, number, result });
  }

  async #onProgress(attempt: Attempt, progress: JsonValue): Promise<void> {
    const message = { type: 'attempt.progress', ...nameOf(attempt), progress } as const;
    await this.#messenger.tellAndWait(attempt.run, message);
  }

  async #onHeartbeat(attempt: Attempt, payload: JsonValue | undefined): Promise<void> {
    const message = { type: 'attempt.heartbeat', ...nameOf(attempt), payload } as const;
    await this.#messenger.tellAndWait(attempt.run, message);
  }
}

function nameOf({ node, generation, attempt }: AttemptName): AttemptName {
  return { node, generation, attempt };
}
