/**
 * Reads what has become durable of a run: whole turns, with the snapshots that they left. Invariants: a page
 * ends where a turn ends, so that nobody sees half of one; its size is bounded by that of a turn and a page;
 * what it costs grows with the page, never with the run.
 */
import type { ActorVersionRecord, EventRecord } from '../actors/records.js';
import type { JsonValue } from '../plan/json.js';
import type { RunRows } from '../storage/run-rows.js';

export type InspectionRows = Pick<
  RunRows,
  'getRun' | 'events' | 'checkpointOf' | 'newestSeq' | 'versionsAt' | 'versionsBetween'
>;

export interface TurnPage {
  /** In order. */
  readonly events: readonly EventRecord[];
  /** In the order of their events. */
  readonly versions: readonly ActorVersionRecord[];
  /** Number of the last event. */
  readonly seq: number;
}

/** Events after which a page ends with their turn. */
const PAGE_EVENTS = 250;

/** The turns after event `after`, as many as a page has room for; undefined where there is none. */
export async function readTurns(
  rows: InspectionRows,
  run: number,
  after: number,
): Promise<TurnPage | undefined> {
  const events = [...(await rows.events(run, after, PAGE_EVENTS))];
  const last = events.at(-1)?.seq;
  if (last === undefined) return undefined;
  const end = (await rows.checkpointOf(run, last))?.seq ?? last;
  while ((events.at(-1)?.seq ?? end) < end) {
    const from = events.at(-1)?.seq ?? last;
    const more = await rows.events(run, from, Math.min(end - from, 1_000));
    if (more.length === 0) break;
    events.push(...more);
  }
  const range = { after, upTo: events.at(-1)?.seq ?? last };
  const versions = await rows.versionsBetween(run, range, actorsIn(events));
  return { events, versions: [...versions].sort((a, b) => a.seq - b.seq), seq: range.upTo };
}

/** Whatever changes is named by an event of its turn; the run itself may change with any. */
function actorsIn(events: readonly EventRecord[]): string[] {
  const actors = new Set(['']);
  for (const { node, type, detailJson } of events) {
    if (node !== null) actors.add(node);
    else if (type.startsWith('nodes.')) for (const name of listedIn(detailJson)) actors.add(name);
  }
  return [...actors];
}

/** Events about several node runs list them by path, or as objects with one. */
function listedIn(detailJson: string): string[] {
  const { nodes = [] } = JSON.parse(detailJson) as { nodes?: JsonValue };
  if (!Array.isArray(nodes)) return [];
  return nodes.flatMap((named: JsonValue) => {
    const path =
      typeof named === 'object' && named !== null && 'node' in named ? named.node : named;
    return typeof path === 'string' ? [path] : [];
  });
}
