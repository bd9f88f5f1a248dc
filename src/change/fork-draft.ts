/** Works out a new run that begins with what another one had come to: reads, checks, drafts. Changes nothing. */
import type { CarryOver } from '../actors/carry-over.js';
import type { NodeRunRecord, RunRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { assertKept } from '../history/assert-kept.js';
import { isFinal } from '../machines/statuses.js';
import { blockingIssues } from '../plan/issue.js';
import type { JsonValue } from '../plan/json.js';
import type { PlanVersion } from '../plan/plan-version.js';
import { readJson } from '../start-options.js';
import type { RunRows } from '../storage/run-rows.js';
import type { RunOrigin } from '../views.js';
import { carriedNodes } from './carried-nodes.js';
import { lastEventBeforeEnding, readBelongings, readRunAt } from './run-at.js';

/** Node runs that a run may take over, and their values in characters of JSON. */
const MAX_CARRIED = 20_000;
const MAX_LENGTH = 64 * 1024 * 1024;

export interface ForkRequest {
  /** Number of an event, which stands for its whole turn; without it the newest, or the last before the run began to fail or to be cancelled. */
  readonly at?: number | undefined;
  /** Node that begins again with all that rests on it. */
  readonly from?: string | undefined;
  /** The plan of the new run; without it the one that the run had at the event. */
  readonly version?: PlanVersion | undefined;
  /** Inputs in place of those that would be resolved, by node: these begin again too. */
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
}

export interface ForkPlan {
  readonly version: PlanVersion;
  readonly origin: Pick<RunOrigin, 'run' | 'seq'>;
  readonly carried: CarryOver;
}

/**
 * Rejects with `argument-invalid`, `history-trimmed`, `node-unknown`, `input-invalid`, `fork-too-large`.
 * `load` gives the plan version with a hash.
 */
export async function planFork(
  rows: RunRows,
  record: RunRecord,
  request: ForkRequest,
  load: (hash: string) => Promise<PlanVersion>,
): Promise<ForkPlan> {
  const seq = await eventOf(rows, record, request.at);
  assertKept(record, seq);
  const at = await readRunAt(rows, record, seq);
  const before = await load(at.planHash);
  const version = request.version ?? before;
  const inputs = readInputs(version, request.inputs ?? {});
  const again = [...Object.keys(inputs), ...(request.from === undefined ? [] : [request.from])];
  for (const node of again) requireNode(version, node);
  const carried = carriedNodes(at, { before, after: version, again });
  refuseTooLarge(carried);
  const nodeRuns = [...carried.values()].map((row) => (at.hasEdges ? row : { ...row, edges: '' }));
  const belongings = await readBelongings(rows, record.run, seq, carried);
  await assertStillKept(rows, record, seq);
  return {
    version,
    origin: { run: record.id, seq },
    carried: { plan: before, nodeRuns, inputs, ...belongings },
  };
}

/** Retention may have taken of the rows while they were read. */
async function assertStillKept(rows: RunRows, { id }: RunRecord, seq: number): Promise<void> {
  const record = await rows.getRun(id);
  if (record === undefined) throw new RunchartError('run-unknown', `there is no run ${id}`);
  assertKept(record, seq);
}

/** The last event of the turn: in the midst of one a run never was. */
async function eventOf(rows: RunRows, record: RunRecord, at: number | undefined): Promise<number> {
  const { id, run, status } = record;
  const newest = await rows.newestSeq(run);
  if (at === undefined) {
    const isCutShort = isFinal(status) && status !== 'completed' && status !== 'partial';
    return isCutShort ? lastEventBeforeEnding(rows, record) : newest;
  }
  const isEvent = Number.isSafeInteger(at) && at >= 1 && at <= newest;
  if (isEvent) assertKept(record, at);
  const turn = isEvent ? await rows.checkpointOf(run, at) : undefined;
  if (turn !== undefined) return turn.seq;
  throw new RunchartError('argument-invalid', `run ${id} has no event ${at}`, {
    hint: `its events are 1 to ${newest}`,
  });
}

function requireNode(version: PlanVersion, node: string) {
  const found = version.graph.nodes[version.graph.positionOf.get(node) ?? -1];
  if (found !== undefined) return found;
  throw new RunchartError('node-unknown', `the plan has no node "${node}"`, {
    hint: 'name a node of the plan itself: what lies inside of another node begins with that',
  });
}

function readInputs(
  version: PlanVersion,
  given: Readonly<Record<string, unknown>>,
): Record<string, JsonValue> {
  return Object.fromEntries(
    Object.entries(given).map(([node, value]) => {
      const input = readJson(value, `the input of node "${node}"`);
      const issues = blockingIssues(requireNode(version, node).validateInput?.(input) ?? []);
      if (issues.length === 0) return [node, input];
      const message = `the input does not fit node "${node}"`;
      throw new RunchartError('input-invalid', message, { issues });
    }),
  );
}

function refuseTooLarge(carried: ReadonlyMap<string, NodeRunRecord>): void {
  let length = 0;
  for (const { inputJson, outputJson } of carried.values()) {
    length += (inputJson?.length ?? 0) + (outputJson?.length ?? 0);
  }
  if (carried.size <= MAX_CARRIED && length <= MAX_LENGTH) return;
  throw new RunchartError(
    'fork-too-large',
    `${carried.size} node runs with ${length} characters of JSON are too many to take over`,
    { hint: `${MAX_CARRIED} node runs and ${MAX_LENGTH} characters are the limits` },
  );
}
