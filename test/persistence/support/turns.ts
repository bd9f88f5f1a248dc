/** Makes turns as the actors would: numbered, with events that continue their run. */
import { NO_ROWS, type TurnRecord, type TurnRows } from '../../../src/actors/records.js';
import { snapshotDigest } from '../../../src/machines/snapshot-digest.js';

export const AT = 1_700_000_000_000;

const SNAPSHOT = JSON.stringify({
  status: 'active',
  value: 'running',
  context: { attempt: 1, waitingFor: null, tries: 0 },
  children: {},
  historyValue: {},
  tags: [],
});

/** Numbers turns and events of any number of runs. */
export class TurnMaker {
  readonly #seqs = new Map<number, number>();
  #turn: number;

  constructor(firstTurn = 1) {
    this.#turn = firstTurn - 1;
  }

  seq(run: number): number {
    return this.#seqs.get(run) ?? 0;
  }

  /** Goes on from a run that is on disk already. */
  resume(run: number, seq: number): void {
    this.#seqs.set(run, seq);
  }

  /** The first turn of a run: its row and its first event. */
  start(run: number, rows: Partial<TurnRows> = {}): TurnRecord {
    return this.turn(run, 1, {
      runCreated: {
        run,
        id: `run-${run}`,
        planHash: 'plan',
        status: 'running',
        inputJson: '{}',
        startDigest: 'digest',
        metadataJson: null,
        concurrency: 4,
        createdAt: AT,
        updatedAt: AT,
        endedAt: null,
        reasonJson: null,
        parentId: null,
        parentNode: null,
        settingsJson: null,
        usageJson: null,
        outputJson: null,
        originJson: null,
        trimmedTo: 0,
        pastPlansJson: null,
      },
      ...rows,
    });
  }

  /** A turn with `eventCount` plain events and the given rows. */
  turn(run: number, eventCount: number, rows: Partial<TurnRows> = {}): TurnRecord {
    const before = this.seq(run);
    const seq = before + eventCount;
    this.#seqs.set(run, seq);
    this.#turn += 1;
    const events = Array.from({ length: eventCount }, (_, place) => ({
      run,
      seq: before + place + 1,
      type: 'node.status-changed',
      node: 'node-1',
      attempt: 1,
      detailJson: '{"from":"ready","to":"running"}',
      at: AT,
    }));
    return {
      turn: this.#turn,
      run,
      of: `r${run}`,
      seq,
      reason: 'attempt.result',
      at: AT,
      rows: { ...NO_ROWS, events, ...rows },
    };
  }

  /** What finishing one node and starting the next writes. */
  typical(run: number, place: number): TurnRecord {
    const seq = this.seq(run) + 3;
    const nodes = [`node-${place}`, `node-${place + 1}`];
    return this.turn(run, 3, {
      nodeRuns: nodes.map((node) => ({
        run,
        node,
        status: node === nodes[0] ? 'completed' : 'running',
        generation: 1,
        attempt: 1,
        seq,
        inputJson: '{"previous":{"value":12345}}',
        outputJson: node === nodes[0] ? '{"value":12345}' : null,
        outcome: null,
        action: null,
        reasonJson: null,
        edges: 't',
        updatedAt: AT,
        scope: '',
        inside: null,
        feedbackJson: null,
      })),
      actorVersions: nodes.map((actor) => ({
        run,
        actor,
        seq,
        machine: 'node-run',
        version: 1,
        snapshotJson: SNAPSHOT,
        digest: snapshotDigest(SNAPSHOT),
      })),
      attempts: nodes.map((node) => ({
        run,
        node,
        generation: 1,
        attempt: 1,
        worker: 'in-process',
        startedAt: AT,
        endedAt: node === nodes[0] ? AT : null,
        outcome: node === nodes[0] ? 'completed' : null,
        outputJson: node === nodes[0] ? '{"value":12345}' : null,
        errorJson: null,
        issuesJson: null,
        notesJson: null,
        heartbeatJson: null,
        leaseJson: null,
        givenErrorJson: null,
      })),
    });
  }
}
