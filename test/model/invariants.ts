/** What the log of every run has to satisfy, whatever its plan. */
import { expect } from 'vitest';
import { COMPENSATIONS, type EventRecord } from '../../src/actors/records.js';
import { failureActionOf } from '../../src/actors/run/failure-policy.js';
import { scopePathOf } from '../../src/actors/run/scope.js';
import { isFinal, type NodeStatus } from '../../src/machines/statuses.js';
import type { CompiledNode, PlanGraph, PlanVersion } from '../../src/plan/plan-version.js';
import type { MemoryRun } from '../../src/testing/memory-storage.js';

const TERMINAL = /^run\.(completed|partial|failed|cancelled)$/;

interface Detail {
  readonly from?: string;
  readonly generation?: number;
  readonly nodes?: readonly string[];
  readonly reason?: { readonly class?: string };
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

/** Statuses and edge outcomes from the events and the plan alone are those of the rows. */
function expectRebuilt({ events, nodeRuns, record }: MemoryRun, version: PlanVersion): void {
  const rebuilt = new Rebuilt(version);
  for (const event of events) rebuilt.take(event);
  expect(rebuilt.run).toBe(record.status);
  expect([...rebuilt.nodes.keys()].sort()).toEqual([...nodeRuns.keys()].sort());
  for (const row of nodeRuns.values()) {
    const node = rebuilt.nodes.get(row.node);
    expect(node?.status, `status of ${row.node}`).toBe(row.status);
    expect(node?.edges, `edges of ${row.node}`).toBe(row.edges);
    expect(node?.attempt, `attempt of ${row.node}`).toBe(row.attempt);
    expect(node?.generation, `generation of ${row.node}`).toBe(row.generation);
  }
}

interface RebuiltNode {
  readonly status: NodeStatus;
  readonly attempt: number;
  readonly generation: number;
  readonly edges: string;
}

/** What the events alone say. */
class Rebuilt {
  run = '';
  readonly nodes = new Map<string, RebuiltNode>();
  readonly #version: PlanVersion;
  /** Scopes in which nothing is routed any more. */
  readonly #ended = new Set<string>();
  /** By path of the source and id of the edge. */
  readonly #evaluated = new Map<string, string>();
  /** The node run whose failure was told last. */
  #failed: string | undefined;

  constructor(version: PlanVersion) {
    this.#version = version;
  }

  take(event: EventRecord): void {
    const { type, node: path, attempt, detailJson } = event;
    const detail = JSON.parse(detailJson) as Detail;
    const { to, edge, outcome, nodes = [] } = detail;
    if (type === 'run.backtracked') this.#ended.delete(scopePathOf(this.#failed ?? ''));
    if (type === 'nodes.renewed') for (const renewed of nodes) this.#renew(renewed);
    if (ENDS_RUN.has(type)) this.#ended.add('');
    if (edge !== undefined && outcome !== undefined) {
      this.#evaluated.set(`${path} ${edge}`, outcome);
      if (!this.#isEnded(path ?? '')) this.#route(path ?? '');
    }
    if (to === undefined || type === 'nodes.cancelled') return;
    if (path === null) {
      this.run = to;
      return;
    }
    const before = this.nodes.get(path);
    const generation = detail.generation ?? before?.generation ?? 1;
    const number = attempt ?? (generation === before?.generation ? before.attempt : 0);
    this.nodes.set(path, { status: to, generation, attempt: number, edges: '' });
    if (!isFinal(to)) return;
    if (to === 'failed') this.#fail(path, detail.reason?.class);
    if (!this.#isEnded(path)) this.#route(path);
  }

  #renew(path: string): void {
    const before = this.nodes.get(path);
    if (before === undefined) throw new Error(`${path} was renewed before it was touched`);
    const generation = before.generation + 1;
    this.nodes.set(path, { status: 'pending', attempt: 0, generation, edges: '' });
    for (const key of this.#evaluated.keys()) {
      if (key.startsWith(`${path} `)) this.#evaluated.delete(key);
    }
  }

  #fail(path: string, failureClass: string | undefined): void {
    const found = nodeAt(this.#version.graph, path);
    this.#failed = path;
    if (found === undefined) return;
    const action = failureActionOf(this.#version.plan, found.node, failureClass);
    if (action !== 'continue') this.#ended.add(scopePathOf(path));
  }

  #isEnded(path: string): boolean {
    return this.#ended.has(scopePathOf(path)) || this.#ended.has('');
  }

  /** Edges without an event of their own follow from the status of their source. */
  #route(path: string): void {
    const found = nodeAt(this.#version.graph, path);
    const run = this.nodes.get(path);
    if (found === undefined || run === undefined) return;
    const { node, graph } = found;
    let isDecided = false;
    const letters = graph.edges
      .filter((edge) => edge.source === node.position)
      .map((edge) => {
        if (run.status === 'failed') return 'f';
        if (run.status === 'skipped' || run.status === 'cancelled') return 'd';
        const isOutdone = node.switchMode === 'exclusive' && isDecided;
        const evaluated = this.#evaluated.get(`${path} ${edge.id}`);
        const letter = evaluated?.charAt(0) ?? (isOutdone ? 'd' : 't');
        if (!edge.isDefault && (letter === 't' || letter === 'e')) isDecided = true;
        return letter;
      });
    this.nodes.set(path, { ...run, edges: letters.join('') });
  }
}

const ENDS_RUN: ReadonlySet<string> = new Set(['run.cancel-requested', 'run.budget-exhausted']);

/** The node that a path leads to, with the graph that it lies in; undefined where there is none. */
function nodeAt(
  graph: PlanGraph,
  path: string,
): { readonly node: CompiledNode; readonly graph: PlanGraph } | undefined {
  const [first = '', ...rest] = path.split('/');
  const [id = ''] = first.split(/[[#]/);
  const node = graph.nodes[graph.positionOf.get(id) ?? -1];
  if (node === undefined || (rest.length === 0 && first.endsWith(']'))) return undefined;
  if (rest.length === 0) return { node, graph };
  return node.loop && nodeAt(node.loop.body, rest.join('/'));
}
