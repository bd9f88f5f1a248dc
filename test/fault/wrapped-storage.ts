/** A journal and a store that die at a named point, or lie: from outside the product, around its ports. */
import type { Journal, RunStore } from '../../src/actors/ports.js';
import type { StoredRun, TurnRecord } from '../../src/actors/records.js';
import type { Defect } from './protocol.js';
import { type KillSwitch, report } from './report.js';

/** Within this time a commit reaches the disk, or not quite. */
const UNDER_WAY_MS = 3;
/** How late the journal with the planted defect commits what it has acknowledged. */
const DEFECT_DELAY_MS = 60;

/** Reports every turn that it says is durable. */
export function wrapJournal(inner: Journal, kill: KillSwitch, defect: Defect | undefined): Journal {
  const commit =
    defect === 'acknowledges-before-commit' ? lyingCommit(inner) : inner.commit.bind(inner);
  return {
    storePlan: inner.storePlan.bind(inner),
    write: inner.write.bind(inner),
    release: inner.release.bind(inner),
    health: inner.health.bind(inner),
    close: inner.close.bind(inner),
    async commit(turn) {
      const isRecovery = turn.reason === 'run.recover';
      kill.reach('before-commit');
      if (isRecovery) kill.reach('recovery-before-commit');
      const committed = commit(turn);
      if (kill.isDue('commit-under-way')) {
        setTimeout(() => kill.die('commit-under-way'), Math.random() * UNDER_WAY_MS);
      }
      await committed;
      report({ is: 'committed', turn: turn.turn, run: turn.run, seq: turn.seq });
      kill.reach('after-commit');
      if (isRecovery) kill.reach('recovery-after-commit');
    },
  };
}

/** Says at once that a turn is durable, unless it is the first of its run, and commits it later. */
function lyingCommit(inner: Journal): (turn: TurnRecord) => Promise<void> {
  return async (turn) => {
    if (turn.rows.runCreated !== undefined) return inner.commit(turn);
    setTimeout(() => void inner.commit(turn).catch(() => {}), DEFECT_DELAY_MS);
  };
}

export function wrapStore(
  inner: RunStore,
  kill: KillSwitch,
  isRecovering: () => boolean,
  defect: Defect | undefined,
): RunStore {
  return {
    highWater: inner.highWater.bind(inner),
    loadPlan: inner.loadPlan.bind(inner),
    findRun: inner.findRun.bind(inner),
    findTask: inner.findTask.bind(inner),
    dueTimers: inner.dueTimers.bind(inner),
    nextDue: inner.nextDue.bind(inner),
    untoldChildren: inner.untoldChildren.bind(inner),
    lastTurnAt: inner.lastTurnAt.bind(inner),
    findAnswer: inner.findAnswer.bind(inner),
    schedules: inner.schedules,
    runKeys: inner.runKeys,
    access: inner.access,
    deliveries: inner.deliveries,
    close: inner.close.bind(inner),
    async loadRun(id) {
      const stored = await inner.loadRun(id);
      if (isRecovering()) kill.reach('recovery-after-read');
      return defect === 'forgets-completed-nodes' ? withCompletedReady(stored) : stored;
    },
    async unfinishedRuns(after, limit, marks) {
      return defect === 'recovers-nothing' ? [] : inner.unfinishedRuns(after, limit, marks);
    },
  };
}

/** The run as it would be if no node had completed: their rows are gone, as if never touched. */
function withCompletedReady(stored: StoredRun | undefined): StoredRun | undefined {
  return (
    stored && {
      ...stored,
      nodeRuns: stored.nodeRuns.filter(({ status }) => status !== 'completed'),
    }
  );
}
