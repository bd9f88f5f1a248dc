/**
 * Judges a round from outside, by what the child was told and did, and by the rows between its lives.
 * `lost`: something acknowledged or seen is gone or changed. `repeated`: something done was done again.
 * `stuck`: something did not come to its end. `wrong`: any other promise that is broken.
 */
import type { EventRow, NodeRunRow, Picture } from './database-copy.js';
import type { Life } from './incarnation.js';
import { nodeOf } from './node-name.js';
import type { Line } from './protocol.js';
import type { Scenario, ScriptedRun } from './scenario.js';

export interface Finding {
  readonly kind: 'lost' | 'repeated' | 'stuck' | 'wrong';
  readonly message: string;
}

export interface History {
  readonly scenario: Scenario;
  readonly lives: readonly LifeOnDisk[];
  /** The same scenario without faults and without a cancel. */
  readonly reference: LifeOnDisk;
}

/** A life, and what lay on disk after it. */
interface LifeOnDisk {
  readonly life: Life;
  readonly after: Picture;
}

const FINAL = new Set(['completed', 'partial', 'skipped', 'failed', 'cancelled']);
const TERMINAL = /^run\.(completed|partial|failed|cancelled)$/;

export function judge(history: History): Finding[] {
  const checks = [
    checkLives,
    checkAcknowledged,
    checkHistoryOnlyGrows,
    checkNothingRepeated,
    checkCancelHolds,
    checkLogs,
    checkTimers,
    checkSettled,
    checkAgainstReference,
  ];
  return checks.flatMap((check) => [...check(history)]);
}

type Findings = Iterable<Finding>;

function linesOf<K extends Line['is']>(life: Life, is: K): Extract<Line, { is: K }>[] {
  return life.lines.filter((line): line is Extract<Line, { is: K }> => line.is === is);
}

function finalPicture({ lives }: History): Picture | undefined {
  return lives.at(-1)?.after;
}

function isAtEnd({ lives }: History): boolean {
  return lives.at(-1)?.life.end === 'done';
}

function crashesOf({ lives }: History): number {
  return lives.filter(({ life }) => life.end === 'killed').length;
}

function* checkLives({ lives, reference }: History): Findings {
  yield* checkLife('the execution without faults', reference.life);
  for (const [place, { life }] of lives.entries()) yield* checkLife(`life ${place + 1}`, life);
}

function* checkLife(name: string, life: Life): Findings {
  if (life.end === 'stuck') yield { kind: 'stuck', message: `${name} did not get done in time` };
  if (life.end === 'broken') {
    yield { kind: 'stuck', message: `${name} ended by itself: ${life.errors.slice(0, 2_000)}` };
  }
  for (const { what, code, message } of linesOf(life, 'trouble')) {
    yield { kind: 'wrong', message: `${name} reports trouble: ${what}: ${code} ${message}` };
  }
}

/** What the child was told is done is in the database, right after the kill and in the end. */
function* checkAcknowledged(history: History): Findings {
  const last = finalPicture(history);
  for (const { life, after } of history.lives) {
    for (const picture of last === undefined ? [after] : [after, last]) {
      yield* missingFrom(picture, life);
    }
  }
}

function* missingFrom(picture: Picture, life: Life): Findings {
  const lost = (message: string): Finding => ({ kind: 'lost', message });
  const runs = new Map(picture.runs.map((run) => [run.id, run]));
  const attempts = new Set(
    picture.attempts.map((row) => `${row.run}/${row.node}/${row.generation}/${row.attempt}`),
  );
  const events = new Map(picture.events.map((event) => [`${event.run}/${event.seq}`, event.type]));
  for (const { turn } of linesOf(life, 'committed')) {
    if (!picture.turns.has(turn)) yield lost(`turn ${turn} was acknowledged and is not there`);
  }
  for (const { run } of linesOf(life, 'started')) {
    if (!runs.has(run)) yield lost(`the start of ${run} was acknowledged and is not there`);
  }
  for (const { run, task, outcome } of linesOf(life, 'answered')) {
    const found = picture.responses.filter((response) => response.task === task);
    if (found.length === 1 && found[0]?.outcome === outcome) continue;
    yield lost(`the answer to task ${task} of ${run} was acknowledged and is not there once`);
  }
  for (const { run, seq, type } of linesOf(life, 'event')) {
    if (events.get(`${runs.get(run)?.run}/${seq}`) === type) continue;
    yield lost(`event ${seq} of ${run}, ${type}, was handed out and is not there`);
  }
  for (const { run, key } of linesOf(life, 'called')) {
    const attempt = key.replace(run, String(runs.get(run)?.run));
    if (!attempts.has(attempt))
      yield lost(`the handler of ${key} was called and no attempt is there`);
  }
  for (const { run, status } of linesOf(life, 'result')) {
    const found = runs.get(run)?.status;
    if (found !== status) yield lost(`${run} was reported as ${status} and is ${found}`);
  }
}

/** Events seen once stay as they are, and so does whatever is final. */
function* checkHistoryOnlyGrows({ lives }: History): Findings {
  for (const [place, { after }] of lives.entries()) {
    const next = lives[place + 1]?.after;
    if (next === undefined) return;
    const events = new Map(next.events.map((event) => [`${event.run}/${event.seq}`, event]));
    for (const event of after.events) {
      const name = `${event.run}/${event.seq}`;
      if (sameRow(event, events.get(name))) continue;
      yield { kind: 'lost', message: `event ${name}, ${event.type}, is gone or changed` };
    }
    const nodeRuns = byName(next.nodeRuns);
    for (const [name, row] of byName(after.nodeRuns)) {
      if (!FINAL.has(row.status) || sameRow(row, nodeRuns.get(name))) continue;
      yield { kind: 'lost', message: `node run ${name} was final and is gone or changed` };
    }
    const runs = new Map(next.runs.map((run) => [run.run, run]));
    for (const { run, id, concurrency } of after.runs) {
      const kept = runs.get(run);
      if (kept?.id === id && kept.concurrency === concurrency) continue;
      yield { kind: 'lost', message: `run ${id} lost its number, id or concurrency` };
    }
  }
}

function sameRow(one: object, other: object | undefined): boolean {
  return other !== undefined && JSON.stringify(one) === JSON.stringify(other);
}

function byName(rows: readonly NodeRunRow[]): Map<string, NodeRunRow> {
  return new Map(rows.map((row) => [`${row.run}/${row.node}`, row]));
}

function* checkNothingRepeated(history: History): Findings {
  yield* checkKeys(history);
  yield* checkExecutions(history);
  yield* checkFinalNodesRest(history);
  yield* checkDecisions(history);
}

function* checkKeys({ lives }: History): Findings {
  for (const is of ['called', 'effect'] as const) {
    const keys = new Set<string>();
    for (const { key } of lives.flatMap(({ life }) => linesOf(life, is))) {
      if (keys.has(key)) yield { kind: 'repeated', message: `${is} twice under the key ${key}` };
      keys.add(key);
    }
  }
}

/** Executions are at most one, and one per crash, and one per retry that the plan grants. */
function* checkExecutions(history: History): Findings {
  const crashes = crashesOf(history);
  const calls = new Map<string, number>();
  for (const { run, node } of history.lives.flatMap(({ life }) => linesOf(life, 'called'))) {
    calls.set(`${run}/${node}`, (calls.get(`${run}/${node}`) ?? 0) + 1);
  }
  const scripts = new Map(history.scenario.runs.map(({ id, work }) => [id, work]));
  for (const [name, count] of calls) {
    const run = name.slice(0, name.indexOf('/'));
    const failures = scripts.get(run)?.[nodeOf(name)]?.failures ?? 0;
    if (count <= 1 + crashes + failures) continue;
    const message = `${name} ran ${count} times: ${crashes} crashes, ${failures} failures`;
    yield { kind: 'repeated', message };
  }
}

/** What was final before a crash is never called after it. */
function* checkFinalNodesRest({ lives }: History): Findings {
  for (const [place, { after }] of lives.entries()) {
    const ids = new Map(after.runs.map(({ run, id }) => [run, id]));
    const final = new Set(
      after.nodeRuns
        .filter(({ status }) => FINAL.has(status))
        .map(({ run, node }) => `${ids.get(run)}/${node}`),
    );
    for (const { run, node } of lives
      .slice(place + 1)
      .flatMap(({ life }) => linesOf(life, 'called'))) {
      if (!final.has(`${run}/${node}`)) continue;
      yield { kind: 'repeated', message: `${run}/${node} was final and was called again` };
    }
  }
}

/** An edge is evaluated once, a task answered once. */
function* checkDecisions(history: History): Findings {
  const { events = [], responses = [] } = finalPicture(history) ?? {};
  const edges = events
    .filter(({ type }) => type === 'edge.evaluated')
    .map(({ run, node, detail_json }) => {
      // In a loop it is evaluated once per iteration.
      const { edge } = JSON.parse(detail_json) as { edge: string };
      return `${run}/${node}/${edge}`;
    });
  for (const edge of duplicates(edges)) {
    yield { kind: 'repeated', message: `edge ${edge} was evaluated twice` };
  }
  for (const task of duplicates(responses.map((response) => response.task))) {
    yield { kind: 'repeated', message: `task ${task} has two answers` };
  }
  for (const { task, code } of history.lives.flatMap(({ life }) =>
    linesOf(life, 'answered-again'),
  )) {
    if (code === null) yield { kind: 'repeated', message: `task ${task} took a second answer` };
    else if (code !== 'task-closed') {
      yield { kind: 'wrong', message: `a second answer to ${task} was refused as ${code}` };
    }
  }
}

function duplicates(names: readonly string[]): Set<string> {
  return new Set(names.filter((name, place) => names.indexOf(name) !== place));
}

/** After a cancel was acknowledged the run ends cancelled, and no handler of it starts. */
function* checkCancelHolds(history: History): Findings {
  const cancelled = new Set<string>();
  for (const line of history.lives.flatMap(({ life }) => life.lines)) {
    if (line.is === 'cancelled' && line.code === null) cancelled.add(line.run);
    else if (line.is === 'cancelled' && !['run-ended', 'run-ending'].includes(line.code ?? '')) {
      yield { kind: 'wrong', message: `a cancel of ${line.run} was refused as ${line.code}` };
    } else if (line.is === 'called' && cancelled.has(line.run)) {
      yield { kind: 'wrong', message: `${line.key} was called after the cancel` };
    }
  }
  if (!isAtEnd(history)) return;
  for (const { id, status } of finalPicture(history)?.runs ?? []) {
    if (!cancelled.has(id) || status === 'cancelled') continue;
    yield { kind: 'lost', message: `the cancel of ${id} was acknowledged and it is ${status}` };
  }
}

/** Events count up from 1, at most one is terminal, and it is the last; the files are sound. */
function* checkLogs({ lives }: History): Findings {
  for (const { after } of lives) {
    if (after.integrity !== 'ok') yield { kind: 'lost', message: `integrity: ${after.integrity}` };
    for (const damage of after.damage) yield { kind: 'lost', message: damage };
    for (const { run, id } of after.runs) {
      yield* checkLog(
        id,
        after.events.filter((event) => event.run === run),
      );
    }
  }
}

function* checkLog(run: string, events: readonly EventRow[]): Findings {
  const gap = events.findIndex(({ seq }, place) => seq !== place + 1);
  if (gap !== -1) yield { kind: 'lost', message: `the events of ${run} have a gap at ${gap + 1}` };
  const terminal = events.findIndex(({ type }) => TERMINAL.test(type));
  if (terminal !== -1 && terminal !== events.length - 1) {
    yield { kind: 'repeated', message: `${run} goes on after its terminal event` };
  }
  const first = (type: string): number => events.findIndex((event) => event.type === type);
  if (first('node.started') !== -1 && first('run.started') > first('node.started')) {
    yield { kind: 'wrong', message: `${run} started a node before itself` };
  }
}

function* checkTimers(history: History): Findings {
  const fired = (finalPicture(history)?.events ?? [])
    .filter(({ type }) => type === 'timer.fired')
    .map(({ run, node, at, detail_json }) => {
      const { kind, dueAt } = JSON.parse(detail_json) as { kind: string; dueAt: number };
      return { at, dueAt, name: `${run}/${node}/${kind}/${dueAt}` };
    });
  for (const { at, dueAt, name } of fired) {
    if (at < dueAt) yield { kind: 'wrong', message: `timer ${name} fired ${dueAt - at} ms early` };
  }
  for (const name of duplicates(fired.map((timer) => timer.name))) {
    yield { kind: 'repeated', message: `timer ${name} fired twice` };
  }
}

function* checkSettled(history: History): Findings {
  const picture = finalPicture(history);
  if (picture === undefined) return;
  const stuck = (message: string): Finding => ({ kind: 'stuck', message });
  for (const { id, status } of picture.runs) {
    if (!FINAL.has(status)) yield stuck(`${id} is ${status} in the end`);
  }
  if (!isAtEnd(history)) return;
  if (picture.runs.length !== history.scenario.runs.length) {
    yield { kind: 'wrong', message: `${picture.runs.length} runs are there` };
  }
  const open = picture.attempts.filter(({ outcome }) => outcome === null).length;
  if (open > 0) yield stuck(`${open} attempts are open in the end`);
  if (picture.openTasks > 0) yield stuck(`${picture.openTasks} tasks are open in the end`);
  if (picture.timers > 0) yield stuck(`${picture.timers} timers are armed in the end`);
}

/** Runs end as they do without faults, node by node; what was not taken never starts. */
function* checkAgainstReference(history: History): Findings {
  const picture = finalPicture(history);
  const { reference, scenario } = history;
  if (picture === undefined || !isAtEnd(history) || reference.life.end !== 'done') return;
  for (const run of scenario.runs) {
    const expected = outcomeOf(reference.after, run);
    const found = outcomeOf(picture, run);
    if (run.cancelAfter !== undefined && found.status === 'cancelled') continue;
    if (found.status !== expected.status) {
      yield { kind: 'wrong', message: `${run.id} is ${found.status}, not ${expected.status}` };
    } else if (expected.status !== 'failed') {
      yield* compareNodes(run.id, expected.nodes, found.nodes);
    }
  }
}

function* compareNodes(
  run: string,
  expected: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): Findings {
  for (const [node, outcome] of expected) {
    if (found.get(node) === outcome) continue;
    yield { kind: 'wrong', message: `${run}/${node}: ${found.get(node)}, not ${outcome}` };
  }
}

/** The status of a run, and of each node that work or a person decides all that its row says of it. */
function outcomeOf(
  picture: Picture,
  { id, work, responses }: ScriptedRun,
): { readonly status: string | undefined; readonly nodes: ReadonlyMap<string, string> } {
  const row = picture.runs.find((run) => run.id === id);
  const started = new Set(
    picture.attempts.filter(({ run }) => run === row?.run).map(({ node }) => node),
  );
  const nodes = picture.nodeRuns
    .filter(({ run }) => run === row?.run)
    .map(({ node, status, outcome, edges, output_json }): [string, string] => {
      const id = nodeOf(node);
      const output = id in work || id in responses ? output_json : '…';
      const start = started.has(node) ? 'started' : 'never started';
      return [node, [status, outcome, edges, output, start].join(' ')];
    });
  return { status: row?.status, nodes: new Map(nodes) };
}
