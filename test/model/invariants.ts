/** What the log of every run has to satisfy, whatever its plan. */
import { expect } from 'vitest';
import type { EventRecord } from '../../src/actors/records.js';
import { isFinal, type NodeStatus } from '../../src/machines/statuses.js';
import type { CompiledNode, PlanVersion } from '../../src/plan/plan-version.js';
import type { MemoryRun } from '../../src/testing/memory-storage.js';

const TERMINAL = /^run\.(completed|partial|failed|cancelled)$/;

interface Detail {
  readonly from?: string;
  readonly to?: NodeStatus;
  readonly edge?: string;
  readonly outcome?: string;
}

export function expectSoundLog(rows: MemoryRun, version: PlanVersion): void {
  const { events } = rows;
  expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1));
  const terminal = events.filter((event) => TERMINAL.test(event.type));
  expect(terminal).toHaveLength(isFinal(rows.record.status) ? 1 : 0);
  if (terminal.length > 0) expect(events.at(-1)).toBe(terminal[0]);
  expectConsecutiveTurns(rows);
  expectChainedStatuses(rows);
  expectCheckpoints(rows);
  expectEveryStartEnds(rows);
  expectNothingStartsAfterCancel(events);
  expectRebuilt(rows, version);
}

function expectConsecutiveTurns({ turns, seq }: MemoryRun): void {
  let last = 0;
  let number = 0;
  for (const turn of turns) {
    for (const event of turn.rows.events) {
      last += 1;
      expect(event.seq, `turn ${turn.turn}`).toBe(last);
    }
    expect(turn.seq).toBe(last);
    expect(turn.turn).toBeGreaterThan(number);
    number = turn.turn;
  }
  expect(seq).toBe(last);
}

/** Each change of the run's status is one event, one a turn but for the first, and the row follows. */
function expectChainedStatuses({ turns, record }: MemoryRun): void {
  let status: string | null = null;
  for (const [number, { rows }] of turns.entries()) {
    const changes = rows.events.flatMap(({ type, node, detailJson }) => {
      const { from, to } = JSON.parse(detailJson) as { from?: string | null; to?: string };
      const isOfRun = node === null && type !== 'nodes.cancelled' && to !== undefined;
      return isOfRun ? [{ type, from, to }] : [];
    });
    for (const { type, from, to } of changes) {
      expect(from ?? null, type).toBe(status);
      expect(to, type).not.toBe(status);
      status = to;
    }
    if (number > 0) expect(changes.length, 'changes of status in a turn').toBeLessThanOrEqual(1);
    const row = rows.runChanged ?? rows.runCreated;
    if (row === undefined) expect(changes, 'changes of status without a row').toEqual([]);
    else expect(row.status).toBe(status);
  }
  expect(status).toBe(record.status);
}

/** Each turn says what caused it, and has the snapshots of the actors that it changed, and of no others. */
function expectCheckpoints({ turns }: MemoryRun): void {
  const newest = new Map<string, string>();
  for (const { turn, reason, seq, rows } of turns) {
    expect(reason).toMatch(/^(run|attempt|task|timer|turn|slot)\.[a-z]+$/);
    const moved = rows.events.flatMap(({ type, node }) =>
      node !== null && type.startsWith('node.') ? [node] : [],
    );
    const own = rows.actorVersions.map((version) => version.actor);
    expect(new Set(own).size, 'one snapshot of an actor in a turn').toBe(own.length);
    expect(own.filter((actor) => actor !== '').sort(), `snapshots of turn ${turn}`).toEqual(
      [...new Set(moved)].sort(),
    );
    for (const { actor, seq: at, snapshotJson } of rows.actorVersions) {
      expect(at).toBeLessThanOrEqual(seq);
      expect(at).toBeGreaterThan(seq - rows.events.length);
      expect(snapshotJson, `snapshot of "${actor}"`).not.toBe(newest.get(actor));
      newest.set(actor, snapshotJson);
    }
  }
}

/** Every started attempt has an end, numbers are never reused, and the attempts' rows agree. */
function expectEveryStartEnds({ events, attempts, record }: MemoryRun): void {
  const numbers = new Map<string, number>();
  const working = new Set<string>();
  for (const { type, node, attempt, detailJson } of events) {
    if (node === null) continue;
    const { from, to } = JSON.parse(detailJson) as Detail;
    if (type === 'node.started') {
      expect(attempt, `attempts of ${node} count up`).toBe((numbers.get(node) ?? 0) + 1);
      expect(working.has(node)).toBe(false);
      numbers.set(node, attempt ?? 0);
      working.add(node);
    } else if (from === 'running' && to !== 'running') working.delete(node);
  }
  const total = [...numbers.values()].reduce((sum, count) => sum + count, 0);
  expect(attempts.size).toBe(total);
  if (!isFinal(record.status)) return;
  expect([...working], 'nodes that started and did not end').toEqual([]);
  for (const attempt of attempts.values()) expect(attempt.outcome).not.toBeNull();
}

function expectNothingStartsAfterCancel(events: readonly EventRecord[]): void {
  const request = events.findIndex((event) => event.type === 'run.cancel-requested');
  if (request === -1) return;
  const started = events
    .slice(request)
    .filter(({ type }) => ['node.ready', 'node.started', 'task.opened'].includes(type));
  expect(started).toEqual([]);
}

/** Statuses and edge outcomes from the events and the plan alone are those of the rows. */
function expectRebuilt({ events, nodeRuns, record }: MemoryRun, version: PlanVersion): void {
  const rebuilt = rebuild(events, version);
  expect(rebuilt.run).toBe(record.status);
  for (const { id } of version.graph.nodes) {
    const row = nodeRuns.get(id);
    expect(rebuilt.nodes.get(id), `status of ${id}`).toBe(
      row?.status ?? (isFinal(record.status) ? 'cancelled' : 'pending'),
    );
    expect(rebuilt.edges.get(id) ?? '', `edges of ${id}`).toBe(row?.edges ?? '');
    expect(rebuilt.attempts.get(id) ?? 0, `attempt of ${id}`).toBe(row?.attempt ?? 0);
  }
}

function rebuild(events: readonly EventRecord[], version: PlanVersion) {
  const { nodes, positionOf } = version.graph;
  const statuses = new Map<string, NodeStatus>(nodes.map((node) => [node.id, 'pending']));
  const attempts = new Map<string, number>();
  const edges = new Map<string, string>();
  const evaluated = new Map<string, string>();
  for (const { type, detailJson } of events) {
    const { edge, outcome } = JSON.parse(detailJson) as Detail;
    if (type === 'edge.evaluated') evaluated.set(edge ?? '', outcome ?? '');
  }
  let run = '';
  let isEnding = false;
  for (const { type, node: id, attempt, detailJson } of events) {
    const { to } = JSON.parse(detailJson) as Detail;
    if (type === 'run.cancel-requested') isEnding = true;
    if (type === 'nodes.cancelled') {
      for (const [node, status] of statuses)
        if (status === 'pending') statuses.set(node, 'cancelled');
    }
    if (to === undefined || type === 'nodes.cancelled') continue;
    if (id === null) {
      run = to;
      continue;
    }
    statuses.set(id, to);
    if (attempt !== null) attempts.set(id, attempt);
    const node = nodes[positionOf.get(id) ?? -1] as CompiledNode;
    if (to === 'failed' && node.onFailure.otherwise !== 'continue') isEnding = true;
    if (isFinal(to) && !isEnding) edges.set(id, lettersOf(node, to, version, evaluated));
  }
  return { run, nodes: statuses, edges, attempts };
}

/** Edges without an event of their own follow from the status of their source. */
function lettersOf(
  node: CompiledNode,
  status: NodeStatus,
  { graph }: PlanVersion,
  evaluated: ReadonlyMap<string, string>,
): string {
  let isDecided = false;
  return graph.edges
    .filter((edge) => edge.source === node.position)
    .map((edge) => {
      if (status === 'failed') return 'f';
      if (status === 'skipped' || status === 'cancelled') return 'd';
      const isOutdone = node.switchMode === 'exclusive' && isDecided;
      const letter = evaluated.get(edge.id)?.charAt(0) ?? (isOutdone ? 'd' : 't');
      if (!edge.isDefault && (letter === 't' || letter === 'e')) isDecided = true;
      return letter;
    })
    .join('');
}
