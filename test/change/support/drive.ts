/** Plays runs to their end with handlers and people whose answers follow from the path of the node alone. */
import type { JsonValue } from '../../../src/plan/json.js';
import type { MemoryRun } from '../../../src/testing/memory-storage.js';
import { RESPONDER } from '../../model/random-plans.js';
import type { Kernel } from '../../support/kernel.js';

export function numberOf(path: string): number {
  // The same in every generation.
  const name = path.replaceAll(/#\d+/g, '');
  return [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 65_521, 7) % 6;
}

/** What the handler of a node does: some nodes fail, always. */
function work(path: string): { readonly returns: JsonValue } | { readonly throws: Error } {
  const v = numberOf(path);
  return v === 5 ? { throws: new Error('fails') } : { returns: { v } };
}

function answerTo(kind: string, v: number): JsonValue {
  const isReview = kind === 'human-review' || kind === 'escalation';
  if (isReview) return { decision: 'accept', output: { v } };
  if (kind === 'human-review-edit') return { decision: v < 3 ? 'accept' : 'reject' };
  if (kind === 'human-decision') return { choice: v < 3 ? 'go' : 'stay' };
  return { approved: v < 3, v };
}

/** One thing that happens from outside; false where nothing can. `choice` says which of them. */
export async function driveOnce(kernel: Kernel, run: string, choice = 0): Promise<boolean> {
  const attempts = kernel.open(run).filter(({ context }) => !context.signal.aborted);
  const tasks = kernel.openTasks(run);
  const count = attempts.length + tasks.length;
  if (count === 0) return false;
  const chosen = choice % count;
  const attempt = attempts[chosen];
  if (attempt === undefined) {
    const { node, kind } = tasks[chosen - attempts.length] ?? { node: '', kind: '' };
    await kernel.respond(node, answerTo(kind, numberOf(node)), RESPONDER, run);
  } else {
    const done = work(attempt.node);
    if ('throws' in done) attempt.throw(done.throws);
    else attempt.return(done.returns);
  }
  await kernel.settle();
  return true;
}

/** Goes on until nothing is open any more. */
export async function drive(kernel: Kernel, run = 'r1', choices: readonly number[] = []) {
  for (let step = 0; await driveOnce(kernel, run, choices[step] ?? 0); step++) {
    if (step > 500) throw new Error(`no end:\n${kernel.log(run).join('\n')}`);
  }
}

/** Everything that is stored of a run but the numbers of its turns; a line per row. */
export function everything(rows: MemoryRun): Record<string, string[]> {
  const lines = (list: Iterable<unknown>) => [...list].map((row) => JSON.stringify(row)).sort();
  return {
    record: lines([rows.record]),
    nodeRuns: lines(rows.nodeRuns.values()),
    pastNodeRuns: lines(rows.pastNodeRuns),
    pastInputs: lines(rows.pastInputs.values()),
    versions: lines(rows.versions),
    attempts: lines(rows.attempts.values()),
    events: lines(rows.events),
    tasks: lines(rows.tasks.values()),
    responses: lines(rows.responses),
    artifacts: lines(rows.artifacts),
    timers: lines(rows.timers.values()),
    signals: lines(rows.signals.values()),
  };
}
