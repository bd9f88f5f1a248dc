/** Why work ended, waits or goes on: attempts, policies, timers, people, and what is inside of composites. */
import type { AttemptRecord, NodeRunRecord, RunRecord, TaskPeople } from '../actors/records.js';
import { failureActionOf } from '../actors/run/failure-policy.js';
import { isFinal } from '../machines/statuses.js';
import { isHuman } from '../plan/human-schemas.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { PlanNode } from '../plan/node-schemas.js';
import { failurePolicyOf, retryOf, retryPolicyOf, startWithinMsOf } from '../plan/node-settings.js';
import type { CompiledNode, RetryPolicy } from '../plan/plan-version.js';
import type { ExplanationCause } from '../views.js';
import { cause, reasonText, timeText, valueText } from './cause.js';
import type { Spot } from './plan-paths.js';
import { type Fact, parseJson, type RunFacts } from './run-facts.js';
import { explainValues } from './why-edges.js';
import { explainJudging, explainJudgingLevel } from './why-judging.js';

const MAX_ATTEMPTS = 20;
const MAX_NAMED = 20;

/** Attempts of this generation, the newest of them where there are many. */
function explainAttempts(attempts: readonly AttemptRecord[]): readonly ExplanationCause[] {
  const left = attempts.length - MAX_ATTEMPTS;
  const causes = attempts.slice(-MAX_ATTEMPTS).map(explainAttempt);
  if (left <= 0) return causes;
  return [cause('more', `${left} attempts before these are left out`, { left }), ...causes];
}

function explainAttempt(record: AttemptRecord): ExplanationCause {
  const { attempt, outcome, startedAt, endedAt, worker } = record;
  const error = parseJson<JsonObject>(record.errorJson);
  const detail = { attempt, outcome, startedAt, endedAt, worker };
  if (error === undefined) {
    const message = `attempt ${attempt} ${outcome === null ? 'is at work' : `ended as ${outcome}`}`;
    return cause(`attempt-${outcome ?? 'open'}`, message, detail);
  }
  const { class: failureClass = 'exception', code = '' } = error;
  const message = `attempt ${attempt} ${outcome}, class ${String(failureClass)}, ${String(code)}: ${reasonText(error)}`;
  return cause(`attempt-${outcome}`, message, { ...detail, error });
}

/** Why no try was left, and what the policy made of the failure. */
export async function explainFailure(
  facts: RunFacts,
  spot: Spot,
  row: NodeRunRecord,
): Promise<readonly ExplanationCause[]> {
  const reason = parseJson<JsonObject>(row.reasonJson);
  const attempts = await facts.attempts(row);
  const failures = attempts.filter(({ outcome }) => outcome === 'failed');
  const last = parseJson<JsonObject>(failures.at(-1)?.errorJson ?? null) ?? null;
  return [
    cause('reason', `it came to ${reasonText(reason)}`, { reason: reason ?? null }),
    ...explainAttempts(attempts),
    ...(last === null ? [] : [noRetryLeft(retryPolicy(spot), failures.length, last)]),
    ...interruptions(retryPolicy(spot), attempts),
    explainPolicy(facts, spot, reason),
  ];
}

function retryPolicy({ node, as }: Spot): RetryPolicy {
  if (as === 'compensation') {
    return retryOf(node.kind === 'action' ? node.compensate?.retry : undefined);
  }
  // Of a map the retry is that of its items.
  if (node.kind === 'map') return retryOf(as === 'item' ? node.retry : undefined);
  return retryPolicyOf(node);
}

function noRetryLeft(policy: RetryPolicy, failures: number, last: JsonObject): ExplanationCause {
  const { maxAttempts, retryOn } = policy;
  const detail = { maxAttempts, retryOn: [...retryOn], failures };
  const failureClass = String(last.class ?? 'exception');
  if (last.retryable === false) {
    return cause('not-retryable', 'no retry: the failure says that it is not retryable', detail);
  }
  if (retryOn.length > 0 && !retryOn.includes(failureClass)) {
    const message = `no retry: class ${failureClass} is not among ${retryOn.join(', ')}`;
    return cause('class-not-retried', message, { ...detail, class: failureClass });
  }
  if (failures >= maxAttempts) {
    const tries = maxAttempts === 1 ? 'the one try was' : `all ${maxAttempts} tries were`;
    return cause('tries-used-up', `no retry: ${tries} used up`, detail);
  }
  return cause('retry-not-applied', 'no retry: what failed was not an attempt of its own', detail);
}

function interruptions(
  { maxInterruptions }: RetryPolicy,
  attempts: readonly AttemptRecord[],
): ExplanationCause[] {
  const count = attempts.filter(({ outcome }) => outcome === 'interrupted').length;
  if (count <= maxInterruptions) return [];
  const message = `its process stopped ${count} times while it worked, and it survives ${maxInterruptions}`;
  return [cause('interruptions-used-up', message, { count, maxInterruptions })];
}

function explainPolicy(
  facts: RunFacts,
  { node, as, host }: Spot,
  reason: JsonObject | undefined,
): ExplanationCause {
  if (as === 'item') {
    const policy = (node.kind === 'map' ? node.policy : undefined) ?? 'fail-fast';
    const then = policy === 'fail-fast' ? 'fails the map at once' : 'leaves the other items alone';
    return cause('map-policy', `the policy ${policy} of "${host}": a failed item ${then}`, {
      policy,
    });
  }
  if (as === 'compensation') {
    const message = 'a failed compensation changes nothing about how the run ends';
    return cause('failure-policy', message, { policy: 'continue' });
  }
  const failureClass = typeof reason?.class === 'string' ? reason.class : undefined;
  const onFailure = failurePolicyOf(node);
  const policy = failureActionOf(facts.plan, { onFailure } as CompiledNode, failureClass);
  const isOfClass = failureClass !== undefined && onFailure.byClass[failureClass] !== undefined;
  const whose = isOfClass ? `of class ${failureClass}` : 'of any class';
  const message = `the policy for a failure ${whose} is ${policy}${declared(node)}`;
  return cause('failure-policy', message, { policy, ...(isOfClass && { class: failureClass }) });
}

function declared(node: PlanNode): string {
  return 'defaultOutput' in node && node.defaultOutput !== undefined
    ? ', with a default output'
    : '';
}

/** Why a running node is running, as far as its newest event tells the inner state. */
export async function explainRunning(
  facts: RunFacts,
  spot: Spot,
  row: NodeRunRecord,
  newest: Fact | undefined,
): Promise<readonly ExplanationCause[]> {
  if (newest?.type === 'node.stopping') {
    const why = reasonText(parseJson<JsonObject>(row.reasonJson));
    return [cause('stopping', `its work was told to stop: ${why}`, { reason: why })];
  }
  const { node, as } = spot;
  if (as === 'node') {
    switch (node.kind) {
      case 'sleep':
      case 'signal':
        return explainWait(facts, node, row, newest);
      case 'loop':
      case 'map':
        return explainInside(facts, spot, row);
      case 'subplan':
        return explainChild(facts, row);
      default:
    }
  }
  return explainWork(facts, spot, row, newest);
}

async function explainWork(
  facts: RunFacts,
  { node, as }: Spot,
  row: NodeRunRecord,
  newest: Fact | undefined,
): Promise<readonly ExplanationCause[]> {
  const later = await facts.after(row.seq, row.node);
  if (newest?.type === 'node.escalated') return explainEscalation(row, newest, later, node);
  const attempts = await facts.attempts(row);
  const open = attempts.find(({ outcome }) => outcome === null);
  const isChecked = newest?.type === 'node.checking';
  const raised = later.findLast(({ type }) => type === 'escalation.raised');
  if (isChecked && raised !== undefined) return explainJudgingLevel(row, raised, node);
  if (isChecked && standsInLine(open)) return explainQueuedCheck(facts.record, later);
  const isSubstitute = newest?.type === 'node.fallback-started';
  const what = isSubstitute ? ' in place of what failed' : '';
  const at = open?.startedAt ?? newest?.at ?? row.updatedAt;
  const isAnswer = isHuman(node);
  const does = isChecked ? `has its ${isAnswer ? 'answer' : 'result'} checked` : `works${what}`;
  const who = isAnswer
    ? `by ${open?.worker || 'somebody unnamed'}`
    : `at ${open?.worker ?? 'an unknown worker'}`;
  const message = `attempt ${row.attempt} ${does}, since ${timeText(at)}, ${who}`;
  const working = cause('attempt-open', message, {
    attempt: row.attempt,
    startedAt: at,
    worker: open?.worker,
    isSubstitute,
    isChecked,
  });
  const earlier = attempts.filter(({ outcome }) => outcome !== null).map(explainAttempt);
  const isUnlimited = as === 'compensation' || isSubstitute || isChecked;
  const limits = isUnlimited ? {} : limitsOf(node);
  return [working, ...timersOf(limits, at, later), ...earlier.slice(-MAX_ATTEMPTS)];
}

/** Whether what an attempt gave waits for a handler to be let in that checks it. */
function standsInLine(open: AttemptRecord | undefined): boolean {
  const held = parseJson<{ entry?: { isDue: boolean } }>(open?.outputJson ?? null);
  return held?.entry?.isDue === true;
}

function explainQueuedCheck(
  { concurrency }: RunRecord,
  later: readonly Fact[],
): ExplanationCause[] {
  const message = `what it gave waits for a slot to be checked: ${concurrency} handlers of the run may be at work at a time, and those of the process are limited, too`;
  return [cause('waits-for-slot', message, { concurrency }), ...explainRefusal(later)];
}

/** That a process, or a worker, lacks the version of the handler that is needed. */
function explainRefusal(later: readonly Fact[]): ExplanationCause[] {
  const refused = later.findLast(({ type }) => type === 'attempt.refused')?.detail;
  if (refused === undefined) return [];
  const { worker, handler } = refused;
  const message = `${worker} was asked, and has not the version of ${handler}`;
  return [cause('version-missing', message, refused)];
}

function limitsOf(node: PlanNode): { timeoutMs?: number; heartbeatMs?: number } {
  if (node.kind !== 'action' && node.kind !== 'map') return {};
  const { timeoutMs, heartbeatMs } = node;
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(heartbeatMs !== undefined && { heartbeatMs }),
  };
}

function timersOf(
  { timeoutMs, heartbeatMs }: { timeoutMs?: number; heartbeatMs?: number },
  startedAt: number,
  later: readonly Fact[],
): ExplanationCause[] {
  const sign = later.findLast(
    ({ type }) => type === 'attempt.heartbeat' || type === 'attempt.progressed',
  );
  return [
    ...(timeoutMs === undefined ? [] : [timer('timeout', startedAt + timeoutMs)]),
    ...(heartbeatMs === undefined
      ? []
      : [timer('heartbeat', (sign?.at ?? startedAt) + heartbeatMs)]),
  ];
}

function timer(kind: string, dueAt: number): ExplanationCause {
  return cause('timer', `the timer "${kind}" is due at ${timeText(dueAt)}`, { kind, dueAt });
}

function explainEscalation(
  row: NodeRunRecord,
  newest: Fact,
  later: readonly Fact[],
  node: PlanNode,
): ExplanationCause[] {
  const level = Number(later.find(({ type }) => type === 'escalation.raised')?.detail.level ?? 1);
  const levels = node.kind === 'action' ? (node.escalation ?? []) : [];
  const dueAt = newest.at + (levels[level - 1]?.delayMs ?? 0);
  const why = reasonText(parseJson<JsonObject>(row.reasonJson));
  const message = `it failed and is escalated: level ${level} of ${levels.length} has its turn at ${timeText(dueAt)}: ${why}`;
  return [cause('escalating', message, { level, dueAt })];
}

/** A sleep, or a wait for a signal. */
async function explainWait(
  facts: RunFacts,
  node: Extract<PlanNode, { kind: 'sleep' | 'signal' }>,
  row: NodeRunRecord,
  newest: Fact | undefined,
): Promise<readonly ExplanationCause[]> {
  const later = await facts.after(row.seq, row.node);
  const armed = later.findLast(({ type }) => type === 'timer.armed' || type === 'timer.postponed');
  const since = newest?.at ?? row.updatedAt;
  if (node.kind === 'sleep') {
    const dueAt = Number(armed?.detail.dueAt ?? since);
    return [cause('sleeping', `it sleeps until ${timeText(dueAt)}`, { dueAt })];
  }
  const { signal = node.id, deadlineMs } = node;
  const dueAt = armed?.detail.dueAt ?? (deadlineMs === undefined ? undefined : since + deadlineMs);
  const until = typeof dueAt === 'number' ? `, until ${timeText(dueAt)}` : '';
  const message = `it waits for the signal "${signal}"${until}`;
  return [cause('awaits-signal', message, { signal, dueAt })];
}

/** What goes on inside of a loop or a map. */
async function explainInside(
  facts: RunFacts,
  { node }: Spot,
  { node: path, inside }: NodeRunRecord,
): Promise<readonly ExplanationCause[]> {
  const scope = inside ?? path;
  const start = node.kind === 'map' ? scope.slice(0, -1) : `${scope}/`;
  const rows = await facts.nodeRunsBelow(start);
  const own = rows.filter((row) => row.scope === scope);
  const counts: Record<string, number> = {};
  for (const { status } of own) counts[status] = (counts[status] ?? 0) + 1;
  const text = Object.entries(counts).map(([status, count]) => `${count} ${status}`);
  const what = node.kind === 'map' ? 'its items' : `the nodes of "${inside}"`;
  const message = `${what} are at work: ${text.join(', ') || 'none yet'}`;
  return [cause('inside', message, { inside, counts }, openAmong(own))];
}

async function explainChild(
  facts: RunFacts,
  { inside }: NodeRunRecord,
): Promise<readonly ExplanationCause[]> {
  const [id = ''] = (inside ?? '').split(' ');
  const child = await facts.run(id);
  const status = child?.status ?? 'pending';
  const message = `the run ${id} works for it, and is ${status}; ask why of its nodes`;
  const rows = child === undefined ? [] : await facts.nodeRunsOf(child);
  return [cause('child-run', message, { run: id, status }, openAmong(rows))];
}

function openAmong(rows: readonly NodeRunRecord[]): ExplanationCause[] {
  return rows
    .filter(({ status }) => !isFinal(status))
    .slice(0, MAX_NAMED)
    .map(({ node, status }) => cause('inside-open', `"${node}" is ${status}`, { node, status }));
}

/** What a composite made of what was inside of it, once that is over. */
export async function explainInsideOver(
  facts: RunFacts,
  spot: Spot,
  row: NodeRunRecord,
): Promise<readonly ExplanationCause[]> {
  if (spot.as !== 'node') return [];
  const reason = parseJson<JsonObject>(row.reasonJson);
  const partial =
    reason === undefined ? [] : [cause('inside-partial', reasonText(reason), { reason })];
  if (spot.node.kind !== 'loop') return partial;
  const { exit = null, iterations = 0 } = parseJson<JsonObject>(row.outputJson) ?? {};
  const before = await facts.before(row);
  const asked = before.findLast(({ type }) => type === 'loop.condition-evaluated');
  const again = row.generation > 1 ? `#${row.generation}` : '';
  // `while` was asked about the iteration that did not begin.
  const number = Number(iterations) + (exit === 'while' ? 1 : 0);
  const scope = `${spot.path}${again}[${number}]`;
  const iteration = { ...spot, scope, graph: facts.paths.body(scope) ?? spot.graph };
  const values =
    asked === undefined || (exit !== 'until' && exit !== 'while')
      ? []
      : await explainValues(facts, iteration, String(asked.detail.condition), asked.seq);
  const condition = values.length > 0 ? asked?.detail.condition : undefined;
  const came = condition === undefined ? '' : `: ${String(condition)} is ${exit === 'until'}`;
  const message = `it ended after ${String(iterations)} iterations, by "${String(exit)}"${came}`;
  return [...partial, cause('loop-ended', message, { exit, iterations, condition }, values)];
}

/** The person who is asked, and about what. */
export async function explainTask(
  facts: RunFacts,
  spot: Spot,
  row: NodeRunRecord,
): Promise<readonly ExplanationCause[]> {
  const task = await facts.openTask(row.node);
  if (task === undefined) return [];
  const { id, kind, deadlineAt, openedAt } = task;
  const people = parseJson<TaskPeople>(task.peopleJson);
  const responders = people?.responders === undefined ? null : [...people.responders];
  const who = responders === null ? 'anybody' : responders.join(', ');
  const until = deadlineAt === null ? 'without a deadline' : `until ${timeText(deadlineAt)}`;
  const message = `task ${id} is open, ${until}: ${who} may answer`;
  const asked = cause('task-open', message, { task: id, kind, responders, deadlineAt, openedAt });
  if (kind === 'human-check') return [asked, explainJudging(row, task)];
  // A node of people asks of itself, again where an answer was refused; any other task is about work that failed.
  if (kind === spot.node.kind) return [asked, ...explainAttempts(await facts.attempts(row))];
  return [asked, ...(await explainFailure(facts, spot, row))];
}

/** Ready, and not started: it backs off, or waits for a slot. */
export async function explainReady(
  facts: RunFacts,
  { node, as }: Spot,
  row: NodeRunRecord,
  newest: Fact | undefined,
): Promise<readonly ExplanationCause[]> {
  if (newest?.type === 'node.retry-scheduled') {
    const later = await facts.after(row.seq, row.node);
    const dueAt = later.find(({ type }) => type === 'timer.armed')?.detail.dueAt;
    const until = typeof dueAt === 'number' ? ` until ${timeText(dueAt)}` : '';
    return [
      cause('backing-off', `it backs off${until} before it is tried again`, { dueAt }),
      ...explainAttempts(await facts.attempts(row)),
    ];
  }
  const { concurrency } = facts.record;
  const message = `it waits for a slot, or for a worker where its work is done outside: ${concurrency} handlers of the run may be at work at a time, and those of the process are limited, too`;
  const later = await facts.after(row.seq, row.node);
  const { concurrencyKey } = { concurrencyKey: undefined, ...node };
  return [
    cause('waits-for-slot', message, { concurrency }),
    ...(as === 'compensation' ? startLimit(node) : []),
    ...explainRefusal(later),
    ...(concurrencyKey === undefined
      ? []
      : [
          cause(
            'concurrency-key',
            `${concurrencyKey.limit ?? 1} with the same ${concurrencyKey.key} may be at work at a time`,
            { key: concurrencyKey.key, limit: concurrencyKey.limit ?? 1 },
          ),
        ]),
    ...explainAttempts(await facts.attempts(row)),
  ];
}

function startLimit(node: PlanNode): ExplanationCause[] {
  const startWithinMs = startWithinMsOf(node);
  return [
    cause('start-limit', `it fails where it does not begin within ${startWithinMs} ms`, {
      startWithinMs,
    }),
  ];
}

/** What a node run was given and what it gave, in its size and beginning. */
export function explainOutput({ node, outputJson, attempt }: NodeRunRecord): ExplanationCause[] {
  if (outputJson === null) return [cause('no-output', 'it has no output')];
  const value = JSON.parse(outputJson) as JsonValue;
  const length = outputJson.length;
  const message = `its output has ${length} characters of JSON: ${valueText(value)}`;
  return [cause('output', message, { node, attempt, length })];
}
