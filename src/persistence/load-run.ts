/**
 * Reads all that a run is rehydrated from. Invariants: 1. one statement, so all parts are of one
 * moment; 2. the work grows with the run's nodes and never with its history; 3. the newest event and
 * the newest checkpoint agree, every live node run has its snapshot, every digest fits, or the run is
 * refused.
 */
import {
  type ActorVersionRecord,
  COMPENSATIONS,
  HIDDEN,
  MAX_IDEMPOTENCY_KEYS,
  type NodeRunRecord,
  type StoredRun,
} from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { snapshotDigest } from '../machines/snapshot-digest.js';
import { isFinal } from '../machines/statuses.js';
import type { Reader } from './reader.js';
import {
  ACTOR_VERSION,
  ARTIFACT,
  ATTEMPT,
  IDEMPOTENCY_KEY,
  NODE_RUN,
  RESPONSE,
  type RowCodec,
  RUN,
  SIGNAL,
  TASK,
  TIMER,
} from './rows.js';
import { parseJsonCell } from './sql.js';
import { StorageError } from './storage-error.js';

const decodable = (expression: string): string => `cast(${expression} as blob)`;

/** Rows come in the order of the key that they are found by, unless `order` names another. */
function group<R>(codec: RowCodec<R>, alias: string, from: string, order = ''): string {
  return decodable(`(select json_group_array(${codec.expression(alias)} ${order}) from ${from})`);
}

const LOAD_RUN = `select
  ${decodable(RUN.expression('r'))},
  ${decodable(`json_array(
    (select max(seq) from checkpoints where run = r.run),
    (select max(seq) from run_events where run = r.run))`)},
  ${decodable(`(select json_array(plan_json) from plans where hash = r.plan_hash)`)},
  ${group(
    NODE_RUN,
    'n',
    // Of iterations and items only those at work: the others are history.
    `(select '' as scope union select '${COMPENSATIONS}' union
        select inside from node_runs where run = r.run and inside is not null and status = 'running') w
      cross join node_runs n on n.run = r.run and n.scope = w.scope`,
  )},
  ${decodable(`(select ${ACTOR_VERSION.expression('v')} from actor_versions v
    where v.run = r.run and v.actor = '' order by v.seq desc limit 1)`)},
  ${group(
    ACTOR_VERSION,
    'v',
    // A change that left the snapshot as it was has no version of its own.
    `node_runs n cross join actor_versions v on v.run = n.run and v.actor = n.node and v.seq =
       (select max(seq) from actor_versions where run = n.run and actor = n.node and seq <= n.seq)
     where n.run = r.run and n.status in ('ready', 'running', 'awaiting-human', 'blocked')`,
  )},
  ${group(
    ATTEMPT,
    'a',
    `node_runs n cross join attempts a on a.run = n.run and a.node = n.node
       and a.generation = n.generation and a.attempt = n.attempt
     where n.run = r.run and n.status in ('running', 'awaiting-human') and n.attempt > 0
       and a.outcome is null`,
  )},
  ${group(TASK, 't', `tasks t where t.run = r.run and t.status = 'open'`, 'order by t.id')},
  ${group(
    RESPONSE,
    'p',
    `tasks t cross join responses p on p.run = t.run and p.task = t.id
       where t.run = r.run and t.status = 'open'`,
    'order by p.at, p.id',
  )},
  ${group(TIMER, 't', 'timers t where t.run = r.run')},
  ${group(
    ARTIFACT,
    'a',
    // Of each node run, the newest of each name that its generation made.
    `artifacts a join node_runs n on n.run = a.run and n.node = a.node and n.generation = a.generation
     where a.run = r.run and a.standing = 'accepted' and a.version =
       (select max(version) from artifacts where run = a.run and name = a.name and node = a.node
         and generation = a.generation and standing = 'accepted')`,
  )},
  ${group(SIGNAL, 's', 'signals s where s.run = r.run', 'order by s.seq')},
  ${decodable(`(select json_group_array(json_array(name, version)) from
    (select name, max(version) as version from artifacts where run = r.run group by name))`)},
  ${group(
    IDEMPOTENCY_KEY,
    'k',
    `(select * from idempotency_keys where run = r.run order by at desc limit ${MAX_IDEMPOTENCY_KEYS}) k`,
    'order by k.at',
  )},
  ${group(
    ATTEMPT,
    'a',
    `node_runs n cross join attempts a on a.run = n.run and a.node = n.node
       and a.generation = n.generation and a.attempt =
         (select max(attempt) from attempts where run = n.run and node = n.node
           and generation = n.generation and heartbeat_json is not null)
     where n.run = r.run and n.attempt > 0
       and n.status in ('ready', 'running', 'awaiting-human', 'blocked')`,
  )}
  from runs r where r.id = ?`;

/** The run as it is on disk; undefined where there is none. Throws `run-corrupt` or `snapshot-corrupt`, and `run-conflict` while it is on its way in or out. */
export async function loadRun(reader: Reader, id: string): Promise<StoredRun | undefined> {
  const [cells] = await reader.cells(LOAD_RUN, [id]);
  if (cells === undefined) return undefined;
  const list = <R>(place: number, codec: RowCodec<R>): R[] =>
    (parseJsonCell(cells[place]) as unknown[]).map((row) => reader.record(codec, row));

  const record = reader.record(RUN, parseJsonCell(cells[0]));
  if (record.trimmedTo === HIDDEN) throw onItsWay(id);
  const seq = checkedSeq(id, parseJsonCell(cells[1]));
  const nodeRuns = list(3, NODE_RUN);
  const snapshots = list(5, ACTOR_VERSION);
  if (cells[4] !== null) snapshots.unshift(reader.record(ACTOR_VERSION, parseJsonCell(cells[4])));
  if (cells[2] === null) throw corrupt(id, 'its plan is missing');
  checkSnapshots(id, nodeRuns, snapshots);
  return {
    record,
    seq,
    planJson: (parseJsonCell(cells[2]) as [string])[0],
    nodeRuns,
    snapshots,
    openAttempts: list(6, ATTEMPT),
    openTasks: list(7, TASK),
    votes: list(8, RESPONSE),
    timers: list(9, TIMER),
    artifacts: list(10, ARTIFACT),
    signals: list(11, SIGNAL),
    artifactVersions: (parseJsonCell(cells[12]) as [string, number][]).map(([name, version]) => ({
      name,
      version,
    })),
    idempotencyKeys: list(13, IDEMPOTENCY_KEY),
    heartbeats: list(14, ATTEMPT).map(({ node, heartbeatJson }) => ({
      node,
      payloadJson: heartbeatJson ?? 'null',
    })),
  };
}

function checkedSeq(id: string, newest: unknown): number {
  const [checkpoint, event] = newest as [number | null, number | null];
  if (checkpoint !== null && checkpoint === event) return checkpoint;
  throw corrupt(id, `its newest event is ${event} and its newest checkpoint ${checkpoint}`);
}

function checkSnapshots(
  id: string,
  nodeRuns: readonly NodeRunRecord[],
  snapshots: readonly ActorVersionRecord[],
): void {
  const actors = new Set<string>();
  for (const { actor, snapshotJson, digest } of snapshots) {
    actors.add(actor);
    if (snapshotDigest(snapshotJson) !== digest)
      throw damaged(id, actor, 'does not fit its digest');
  }
  for (const { node, status } of nodeRuns) {
    const isLive = status !== 'pending' && !isFinal(status);
    if (isLive && !actors.has(node)) throw damaged(id, node, 'is missing');
  }
}

function damaged(id: string, actor: string, what: string): StorageError {
  const name = actor === '' ? 'the run itself' : `node ${actor}`;
  return new StorageError('snapshot-corrupt', `The snapshot of ${name} in run ${id} ${what}.`, {
    hint: 'The file is damaged: restore a backup, or fork the run from an earlier checkpoint.',
  });
}

function onItsWay(id: string): RunchartError {
  return new RunchartError('run-conflict', `run ${id} is being imported or removed`, {
    hint: 'where that was broken off, import the file again, or trim',
  });
}

function corrupt(id: string, what: string): StorageError {
  return new StorageError('run-corrupt', `Run ${id} is damaged: ${what}.`, {
    hint: 'The file is damaged: restore a backup.',
  });
}
