/**
 * Checks a run against itself: events without a gap, one checkpoint per turn, every hash of the chain
 * made again from what is stored, every snapshot against its digest. Reads only, page by page, and
 * stops at a set number of findings.
 */
import { snapshotDigest } from '../machines/snapshot-digest.js';
import type { Finding, Link, StoredTurn, Verification } from '../storage/history-rows.js';
import { FIRST_LINK } from './chain.js';
import { describe } from './faults.js';
import type { Reader } from './reader.js';
import { hashOfTurn, turnsOfRun } from './run-turns.js';

const MAX_FINDINGS = 100;

/** Goes through the history of a run, from its first turn or from the checkpoint that retention left. */
export async function verifyRun(reader: Reader, run: number): Promise<Verification> {
  const findings: Finding[] = [];
  let end = FIRST_LINK;
  let turns = 0;
  try {
    end = await findAnchor(reader, run, findings);
    for await (const turn of turnsOfRun(reader, run, end.seq)) {
      end = checkTurn(turn, end, findings);
      turns += 1;
      if (findings.length >= MAX_FINDINGS) break;
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

/** Makes the turn's hash again. Goes on from the stored hash, so that one fault is one finding. */
export function checkTurn(stored: StoredTurn, previous: Link, findings: Finding[]): Link {
  const { turn, seq, hash } = stored.checkpoint;
  for (const version of stored.versions) {
    if (snapshotDigest(version.snapshotJson) === version.digest) continue;
    const message = `The snapshot of "${version.actor}" does not fit its digest.`;
    findings.push({ code: 'snapshot-damaged', seq: version.seq, message });
  }
  const { length } = stored.events;
  if (length !== seq - previous.seq) {
    const message = `Turn ${turn} has ${length} of its ${seq - previous.seq} events.`;
    findings.push({ code: 'event-gap', seq, message });
    return { seq, hash };
  }
  if (hashOfTurn(previous.hash, stored) !== hash) {
    const message = `Turn ${turn} does not fit its hash.`;
    findings.push({ code: 'chain-broken', seq, message });
  }
  return { seq, hash };
}

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
