/** What the log of every run has to satisfy, whatever its plan. */
import { expect } from 'vitest';
import { COMPENSATIONS, type EventRecord } from '../../src/actors/records.js';
import { isFinal } from '../../src/machines/statuses.js';
import type { PlanVersion } from '../../src/plan/plan-version.js';
import type { MemoryRun } from '../../src/testing/memory-storage.js';
import { expectRebuilt } from '../support/rebuilt.js';

const TERMINAL = /^run\.(completed|partial|failed|cancelled)$/;

interface Detail {
  readonly from?: string;
  readonly generation?: number;
  readonly nodes?: readonly string[];
  readonly to?: string;
}

/** `plans`: the one version of its plan, or those by hash where nodes were added to it. */
export function expectSoundLog(
  rows: MemoryRun,
  plans: PlanVersion | ((hash: string) => PlanVersion | undefined),
): void {
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
  const planOf = (hash: string) =>
    typeof plans !== 'function' && plans.hash === hash ? plans : undefined;
  expectRebuilt(rows, typeof plans === 'function' ? plans : planOf);
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
  for (const { turn, reason, seq, rows } of turns) {
    expect(reason).toMatch(/^(run|attempt|task|timer|turn|slot|signal|node|child)\.[a-z]+$/);
    const moved = rows.events.flatMap(({ type, node, detailJson }) => {
      if (type === 'nodes.renewed') return (JSON.parse(detailJson) as Detail).nodes ?? [];
      return node !== null && type.startsWith('node.') && !UNMOVED.has(type) ? [node] : [];
    });
    const own = rows.actorVersions.map((version) => version.actor);
    expect(new Set(own).size, 'one snapshot of an actor in a turn').toBe(own.length);
    expect(own.filter((actor) => actor !== '').sort(), `snapshots of turn ${turn}`).toEqual(
      [...new Set(moved)].sort(),
    );
    for (const { seq: at } of rows.actorVersions) {
      expect(at).toBeLessThanOrEqual(seq);
      expect(at).toBeGreaterThan(seq - rows.events.length);
    }
  }
}

/** Events of nodes that are no change of theirs. */
const UNMOVED: ReadonlySet<string> = new Set(['node.reported']);

/** Every started attempt has an end, numbers are never reused, and the attempts' rows agree. */
function expectEveryStartEnds({ events, attempts, record }: MemoryRun): void {
  const numbers = new Map<string, number>();
  const working = new Set<string>();
  for (const { type, node, attempt, detailJson } of events) {
    if (node === null || attempt === null) continue;
    const { to, generation = 1 } = JSON.parse(detailJson) as Detail;
    const name = `${node}/${generation}`;
    if (type === 'node.started' || type === 'node.fallback-started') {
      expect(attempt, `attempts of ${name} count up`).toBe((numbers.get(name) ?? 0) + 1);
      numbers.set(name, attempt);
      working.add(name);
    } else if (type.startsWith('node.') && to !== 'running') working.delete(name);
  }
  const total = [...numbers.values()].reduce((sum, count) => sum + count, 0);
  expect(attempts.size).toBe(total);
  if (!isFinal(record.status)) return;
  expect([...working], 'nodes that started and did not end').toEqual([]);
  for (const attempt of attempts.values()) expect(attempt.outcome).not.toBeNull();
}

/** Nothing but what undoes: that lies in a scope of its own. */
function expectNothingStartsAfterCancel(events: readonly EventRecord[]): void {
  const request = events.findIndex((event) => event.type === 'run.cancel-requested');
  if (request === -1) return;
  const started = events
    .slice(request)
    .filter(({ type, node }) => BEGINNINGS.has(type) && !node?.startsWith(`${COMPENSATIONS}/`));
  expect(started).toEqual([]);
}

const BEGINNINGS: ReadonlySet<string> = new Set([
  'node.ready',
  'node.started',
  'node.waiting',
  'node.fallback-started',
  'task.opened',
]);
