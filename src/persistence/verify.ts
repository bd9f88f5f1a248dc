/**
 * Checks a run against itself: events without a gap, one checkpoint per turn, every hash of the chain
 * made again from what is stored, every snapshot against its digest. Reads only, page by page, and
 * stops at a set number of findings.
 */
import type { ActorVersionRecord, EventRecord } from '../actors/records.js';
import { snapshotDigest } from '../machines/snapshot-digest.js';
import { chainHash, FIRST_LINK, type Link } from './chain.js';
import { byActorThenSeq, encodeTurn } from './encode.js';
import { describe } from './faults.js';
import type { Reader } from './reader.js';
import { ACTOR_VERSION, CHECKPOINT, type CheckpointRecord, EVENT, type RowCodec } from './rows.js';

export type FindingCode =
  | 'anchor-missing'
  | 'event-gap'
  | 'event-beyond-checkpoint'
  | 'chain-broken'
  | 'snapshot-damaged'
  | 'unreadable';

export interface Finding {
  readonly code: FindingCode;
  /** Event number at which it shows. */
  readonly seq: number;
  readonly message: string;
}

export interface Verification {
  readonly run: number;
  /** Where the chain ends. */
  readonly end: Link;
  readonly turns: number;
  readonly findings: readonly Finding[];
}

const PAGE_TURNS = 200;
const MAX_FINDINGS = 100;

/** Goes through the history of a run, from its first turn or from the checkpoint that retention left. */
export async function verifyRun(reader: Reader, run: number): Promise<Verification> {
  const findings: Finding[] = [];
  let end = FIRST_LINK;
  let turns = 0;
  try {
    end = await findAnchor(reader, run, findings);
    for (;;) {
      const page = await readPage(reader, run, end.seq);
      for (const checkpoint of page.checkpoints) {
        end = checkTurn(checkpoint, end, page, findings);
        turns += 1;
      }
      const isLast = page.checkpoints.length < PAGE_TURNS;
      if (isLast || findings.length >= MAX_FINDINGS) break;
    }
    await checkTail(reader, run, end, findings);
  } catch (error) {
    findings.push({ code: 'unreadable', seq: end.seq, message: describe(error) });
  }
  return { run, end, turns, findings: findings.slice(0, MAX_FINDINGS) };
}

const ANCHOR = `select cast(json_array(r.trimmed_to,
    (select hash from checkpoints where run = r.run and seq = r.trimmed_to)) as blob)
  from runs r where r.run = ?`;

/** The link that the chain goes on from: what was before it, retention has removed. */
async function findAnchor(reader: Reader, run: number, findings: Finding[]): Promise<Link> {
  const [row] = await reader.jsonRows(ANCHOR, [run]);
  const [seq, hash] = (row ?? [0, null]) as [number, string | null];
  if (seq <= 0) return FIRST_LINK;
  if (hash !== null) return { seq, hash };
  findings.push({
    code: 'anchor-missing',
    seq,
    message: `The checkpoint of event ${seq} is gone.`,
  });
  return { seq, hash: '' };
}

interface Page {
  readonly checkpoints: readonly CheckpointRecord[];
  readonly events: readonly EventRecord[];
  readonly versions: readonly ActorVersionRecord[];
}

async function readPage(reader: Reader, run: number, after: number): Promise<Page> {
  const read = async <R>(codec: RowCodec<R>, rest: string, args: number[]): Promise<R[]> => {
    const rows = await reader.jsonRows(
      `select cast(${codec.expression('t')} as blob) from ${rest}`,
      args,
    );
    return rows.map(codec.toRecord);
  };
  const checkpoints = await read(
    CHECKPOINT,
    'checkpoints t where t.run = ? and t.seq > ? order by t.seq limit ?',
    [run, after, PAGE_TURNS],
  );
  const upTo = checkpoints.at(-1)?.seq ?? after;
  const range = 't where t.run = ? and t.seq > ? and t.seq <= ? order by t.seq';
  const events = await read(EVENT, `run_events ${range}`, [run, after, upTo]);
  const versions = await read(ACTOR_VERSION, `actor_versions ${range}`, [run, after, upTo]);
  return { checkpoints, events, versions };
}

/** Makes the turn's hash again. Goes on from the stored hash, so that one fault is one finding. */
function checkTurn(
  checkpoint: CheckpointRecord,
  previous: Link,
  page: Page,
  findings: Finding[],
): Link {
  const { run, seq, turn, reason, at, hash } = checkpoint;
  const isOwn = (row: { readonly seq: number }): boolean =>
    row.seq > previous.seq && row.seq <= seq;
  const events = page.events.filter(isOwn);
  const actorVersions = page.versions.filter(isOwn).sort(byActorThenSeq);
  for (const version of actorVersions) {
    if (snapshotDigest(version.snapshotJson) === version.digest) continue;
    const message = `The snapshot of "${version.actor}" does not fit its digest.`;
    findings.push({ code: 'snapshot-damaged', seq: version.seq, message });
  }
  if (events.length !== seq - previous.seq) {
    const message = `Turn ${turn} has ${events.length} of its ${seq - previous.seq} events.`;
    findings.push({ code: 'event-gap', seq, message });
    return { seq, hash };
  }
  const rows = { ...NO_ROWS, events, actorVersions };
  if (chainHash(previous.hash, encodeTurn({ turn, run, seq, reason, at, rows })) !== hash) {
    const message = `Turn ${turn} does not fit its hash.`;
    findings.push({ code: 'chain-broken', seq, message });
  }
  return { seq, hash };
}

const NO_ROWS = {
  nodeRuns: [],
  attempts: [],
  tasks: [],
  responses: [],
  artifacts: [],
  timersArmed: [],
  timersCleared: [],
  signals: [],
  plans: [],
  pastNodeRuns: [],
};

async function checkTail(
  reader: Reader,
  run: number,
  end: Link,
  findings: Finding[],
): Promise<void> {
  const [row] = await reader.jsonRows(
    'select cast(json_array(max(seq)) as blob) from run_events where run = ?',
    [run],
  );
  const newest = (row as [number | null])[0] ?? 0;
  if (newest <= end.seq) return;
  const message = `Events up to ${newest} belong to no turn.`;
  findings.push({ code: 'event-beyond-checkpoint', seq: newest, message });
}
