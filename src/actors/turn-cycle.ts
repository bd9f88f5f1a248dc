/**
 * One message of one run: decided, committed, acted upon. Invariants: nothing leaves before its turn is
 * durable; what was decided before is answered once it is durable; a run whose turn is void takes no
 * further message until it has been brought in again.
 */
import { RunchartError } from '../errors.js';
import type { SlotDesk } from './admission/slot-desk.js';
import type { Effects } from './effects.js';
import type { Logger } from './handlers.js';
import type { Outcome } from './idempotency.js';
import type { LiveIndex } from './live-index.js';
import type { MessagePump } from './message-pump.js';
import { CommitError, type Journal } from './ports.js';
import type { TurnRecord } from './records.js';
import type { Envelope, Residency } from './residency.js';
import type { Residents } from './residents.js';
import type { RunActor } from './run/run-actor.js';
import type { RunObservers } from './run-observers.js';
import type { SaidOnce } from './said-once.js';
import type { Turn } from './turn.js';
import type { WorkBoard } from './work-board.js';

export interface TurnCycleParts {
  readonly journal: Journal;
  readonly logger: Logger;
  readonly live: LiveIndex;
  readonly observers: RunObservers;
  readonly desk: SlotDesk;
  readonly work: WorkBoard;
  readonly effects: Effects;
  readonly residents: Residents;
  readonly pump: MessagePump;
  /** What runs have told as refused; in a void turn that was not told. */
  readonly refused: SaidOnce;
  /** A turn with this number is durable. */
  onDurable(turn: number): void;
  /** Nothing can become durable any more. */
  onStopped(why: string): void;
}

export class TurnCycle {
  readonly #parts: TurnCycleParts;

  constructor(parts: TurnCycleParts) {
    this.#parts = parts;
  }

  handle(residency: Residency, envelope: Envelope): void {
    const { actor } = residency;
    const { message, call } = envelope;
    if (actor === undefined) return this.#beginOrRefuse(residency, envelope);
    const known = call && actor.answerTo(call);
    if (known !== undefined) return this.#answerOnceDurable(residency, envelope, known);
    if (envelope.creation !== undefined && actor.seq > 0) {
      return this.#answerRepeatedStart(residency, actor, envelope);
    }
    const { obstacle } = residency;
    if (obstacle !== undefined && residency.isStuck && message.type !== 'run.cancel') {
      envelope.settle({ error: obstacle });
      return this.#parts.residents.letGo(residency);
    }
    let turn: Turn;
    try {
      turn = actor.handle(message, call);
    } catch (error) {
      return this.#onCrash(residency, envelope, error);
    }
    this.#parts.desk.turnEnded(actor);
    this.#parts.work.turnEnded(actor, message.type === 'work.claim');
    this.#commit(residency, actor, envelope, turn);
  }

  #commit(residency: Residency, actor: RunActor, envelope: Envelope, turn: Turn): void {
    const { live, observers, effects, residents, pump } = this.#parts;
    if (turn.isEmpty && turn.keptAnswer === undefined && residency.underWay.size === 0) {
      this.#act(residency, actor, envelope, turn);
      return residents.letGo(residency);
    }
    // As this turn leaves them; the next one may be decided before it is durable.
    const { live: shown, report, record } = actor;
    residency.underWay.push(envelope);
    pump.turnBegun();
    const sealed = turn.isEmpty ? undefined : turn.seal();
    const committed =
      sealed === undefined
        ? this.#journalAnswer(residency, turn)
        : this.#journalTurn(residency, sealed);
    committed.then(
      () => {
        if (sealed !== undefined) this.#parts.onDurable(sealed.turn);
        live.committed(shown);
        if (sealed !== undefined && !observers.isEmpty) observers.turnCommitted(record, sealed);
        this.#act(residency, actor, envelope, turn);
        effects.children.report(residency, report);
        this.#onSettled(residency);
        residents.letGo(residency);
      },
      (error: unknown) => {
        this.#onVoid(residency, envelope, error);
        this.#onSettled(residency);
      },
    );
  }

  #journalTurn(residency: Residency, turn: TurnRecord): Promise<void> {
    residency.lastCommit = promised(() => this.#parts.journal.commit(turn));
    return residency.lastCommit;
  }

  /** An empty turn only waits for the turns before it: what it answers must be durable too. */
  #journalAnswer(residency: Residency, { keptAnswer: record }: Turn): Promise<void> {
    if (record === undefined) return residency.lastCommit;
    const row = { type: 'idempotency-key.put', of: residency.id, record } as const;
    const written = promised(() => this.#parts.journal.write([row]));
    residency.lastCommit = Promise.all([residency.lastCommit, written]).then(() => {});
    return residency.lastCommit;
  }

  #onSettled(residency: Residency): void {
    residency.underWay.shift();
    this.#reloadVoided(residency);
    this.#parts.pump.turnSettled();
  }

  #reloadVoided(residency: Residency): void {
    if (residency.state !== 'voided' || residency.underWay.size > 0) return;
    this.#parts.refused.forget(residency.id);
    void this.#parts.residents.reload(residency);
  }

  /** Acts, now that the decision is durable. */
  #act(residency: Residency, actor: RunActor, envelope: Envelope, turn: Turn): void {
    for (const effect of turn.effects) this.#parts.effects.carryOut(residency, actor, effect);
    envelope.settle(turn.refusal === undefined ? { reply: turn.reply } : { error: turn.refusal });
  }

  /** Answered once the run is durable: it may have been created a moment ago. */
  #answerRepeatedStart(residency: Residency, actor: RunActor, envelope: Envelope): void {
    const { id, startDigest } = actor.record;
    const isSame = envelope.creation?.record.startDigest === startDigest;
    const outcome = isSame ? { reply: { created: false } } : { error: conflictingStart(id) };
    this.#answerOnceDurable(residency, envelope, outcome, () => {
      // Started again by the run that it works for, which may not know what became of it.
      residency.reported = undefined;
      this.#parts.effects.children.report(residency, actor.report);
    });
  }

  /** Answers what was decided before: it may not be durable yet. */
  #answerOnceDurable(
    residency: Residency,
    envelope: Envelope,
    outcome: Outcome,
    onAnswered = () => {},
  ): void {
    residency.lastCommit
      .then(
        () => {
          envelope.settle(outcome);
          onAnswered();
        },
        (cause: unknown) => {
          const message = `run ${residency.id} could not be stored`;
          envelope.settle({ error: new RunchartError('commit-failed', message, { cause }) });
        },
      )
      .finally(() => this.#parts.residents.letGo(residency));
  }

  /** There is no such run. It begins all the same where somebody asked for it a moment before its start. */
  #beginOrRefuse(residency: Residency, envelope: Envelope): void {
    if (envelope.creation !== undefined) return this.#parts.residents.begin(residency, envelope);
    envelope.settle({ error: new RunchartError('run-unknown', `there is no run ${residency.id}`) });
    this.#parts.residents.letGo(residency);
  }

  /** The program is at fault: nothing of the turn is kept. */
  #onCrash(residency: Residency, envelope: Envelope, cause: unknown): void {
    this.#parts.logger.error({ run: residency.id, error: cause }, 'a turn could not be decided');
    const error = new RunchartError('internal', 'the message could not be decided', { cause });
    this.#logGivenUp(residency.takeBackLast(envelope, error), residency, envelope, error);
    this.#reloadVoided(residency);
  }

  #onVoid(residency: Residency, envelope: Envelope, cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause);
    // Storage of a user's own may fail with anything: as long as it does not say so, the turn is not at fault.
    const code = cause instanceof CommitError ? cause.code : 'storage-unavailable';
    if (code === 'ownership-lost' || code === 'journal-closed') this.#parts.onStopped(message);
    this.#parts.logger.warn({ run: residency.id, error: cause }, 'a turn is void');
    residency.isStorageDown = code !== 'turn-refused';
    const error = new RunchartError('commit-failed', message, { cause });
    // An outage may last, and is nobody's fault.
    const isKept = residency.takeBack(envelope, error, code === 'turn-refused');
    this.#logGivenUp(isKept, residency, envelope, error);
  }

  #logGivenUp(isKept: boolean, { id }: Residency, envelope: Envelope, error: RunchartError): void {
    if (isKept) return;
    const message = envelope.message.type;
    this.#parts.logger.error({ run: id, message, error }, 'a message was given up');
  }
}

/** What throws at once is a rejection too; no promise is made where there is one. */
function promised(commit: () => Promise<void>): Promise<void> {
  try {
    return Promise.resolve(commit());
  } catch (error) {
    return Promise.reject(error);
  }
}

function conflictingStart(id: string): RunchartError {
  return new RunchartError('run-conflict', `run ${id} exists with another plan or input`, {
    hint: 'use another id, or start it with the same plan and input',
  });
}
