/** How one actor of a run came to stand as it does: its newest snapshots, each with the event that it came with. */
import { RunchartError } from '../errors.js';
import type { JsonValue } from '../plan/json.js';
import type { RunReader } from '../run-reader.js';

export interface ActorStep {
  readonly seq: number;
  /** Type of the event of the log. */
  readonly type: string;
  readonly at: number;
  /** The state of its statechart afterwards. */
  readonly value: JsonValue;
}

/** Steps that are given. */
const MAX_STEPS = 100;

/** Oldest first, at most a hundred, none after event `upTo`. `actor` is a path; empty for the run. Rejects with `run-unknown`. */
export async function readActorHistory(
  { rows }: RunReader,
  id: string,
  actor: string,
  upTo = Number.MAX_SAFE_INTEGER,
): Promise<readonly ActorStep[]> {
  const record = await rows.getRun(id);
  if (record === undefined) throw new RunchartError('run-unknown', `there is no run ${id}`);
  const versions = [...(await rows.versionsBetween(record.run, { after: 0, upTo }, [actor]))];
  const newest = versions.sort((a, b) => a.seq - b.seq).slice(-MAX_STEPS);
  const steps = newest.map(async ({ seq, snapshotJson }): Promise<ActorStep> => {
    const [event] = await rows.events(record.run, seq - 1, 1);
    const { value } = JSON.parse(snapshotJson) as { readonly value: JsonValue };
    const isThere = event?.seq === seq;
    return { seq, value, type: isThere ? event.type : '', at: isThere ? event.at : 0 };
  });
  return Promise.all(steps);
}
