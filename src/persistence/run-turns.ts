/**
 * The turns of a run with what the hash chain covers of them: events and snapshots. Invariant: memory
 * holds one page, which ends where it has enough events and never within a turn.
 */
import {
  type ActorVersionRecord,
  type CheckpointRecord,
  type EventRecord,
  NO_ROWS,
} from '../actors/records.js';
import type { StoredTurn } from '../storage/history-rows.js';
import { chainHash } from './chain.js';
import { byActorThenSeq, encodeTurn } from './encode.js';
import type { Reader } from './reader.js';
import { ACTOR_VERSION, CHECKPOINT, EVENT, type RowCodec } from './rows.js';

const PAGE_TURNS = 200;
/** Events after which a page ends. */
const PAGE_EVENTS = 1_000;

/** The turns after event `after`, in order. */
export async function* turnsOfRun(
  reader: Reader,
  run: number,
  after: number,
): AsyncGenerator<StoredTurn, void, undefined> {
  let previous = after;
  for (;;) {
    const page = await readPage(reader, run, previous);
    yield* turnsIn(page);
    const last = page.checkpoints.at(-1);
    if (last === undefined) return;
    previous = last.seq;
  }
}

interface Page {
  readonly checkpoints: readonly CheckpointRecord[];
  readonly events: readonly EventRecord[];
  readonly versions: readonly ActorVersionRecord[];
}

async function readPage(reader: Reader, run: number, after: number): Promise<Page> {
  const read = <R>(codec: RowCodec<R>, rest: string, args: number[]): Promise<R[]> =>
    reader.records(codec, `select cast(${codec.expression('t')} as blob) from ${rest}`, args);
  const found = await read(
    CHECKPOINT,
    'checkpoints t where t.run = ? and t.seq > ? order by t.seq limit ?',
    [run, after, PAGE_TURNS],
  );
  const end = found.findIndex(({ seq }) => seq - after >= PAGE_EVENTS);
  const checkpoints = end === -1 ? found : found.slice(0, end + 1);
  const upTo = checkpoints.at(-1)?.seq ?? after;
  const range = 't where t.run = ? and t.seq > ? and t.seq <= ? order by t.seq';
  const events = await read(EVENT, `run_events ${range}`, [run, after, upTo]);
  const versions = await read(ACTOR_VERSION, `actor_versions ${range}`, [run, after, upTo]);
  return { checkpoints, events, versions };
}

function* turnsIn({ checkpoints, events, versions }: Page): Generator<StoredTurn> {
  let event = 0;
  let version = 0;
  for (const checkpoint of checkpoints) {
    const from = { event, version };
    while ((events[event]?.seq ?? Number.POSITIVE_INFINITY) <= checkpoint.seq) event += 1;
    while ((versions[version]?.seq ?? Number.POSITIVE_INFINITY) <= checkpoint.seq) version += 1;
    yield {
      checkpoint,
      events: events.slice(from.event, event),
      versions: versions.slice(from.version, version).sort(byActorThenSeq),
    };
  }
}

/** The hash of a turn as it is stored, which follows `previous`. Throws where its events have a gap. */
export function hashOfTurn(previous: string, { checkpoint, events, versions }: StoredTurn): string {
  const { turn, run, seq, reason, at } = checkpoint;
  const rows = { ...NO_ROWS, events: [...events], actorVersions: [...versions] };
  return chainHash(previous, encodeTurn({ turn, run, of: '', seq, reason, at, rows }));
}
