/** Stays with a run of this process until it rests, asks a person where there is one, and says how it stands. */

import type { Orchestrator, RunStatus } from '../index.js';
import { askPerson, canAsk } from './ask.js';
import { type DatabaseOption, databaseWords } from './database.js';
import { type ExitCode, exitCodeOf } from './exit-codes.js';
import { followRun, sourceHere } from './follow.js';
import { clean, note, print } from './output.js';
import { CountProgress, LineProgress } from './progress.js';
import type { RunReads, RunSource } from './run-reads.js';
import { describeTask } from './show-tasks.js';
import { catchStopSignals } from './stop-signals.js';

/** Closes the orchestrator at the end. A signal drains it, and the run can be resumed. */
export async function conductRun(
  orchestrator: Orchestrator,
  id: string,
  option: DatabaseOption,
  after = 0,
): Promise<ExitCode> {
  const signals = catchStopSignals(() =>
    note('stopping: handlers at work may finish; once more ends it at once'),
  );
  try {
    const rested = restOf(orchestrator, id, option, after).then((status) =>
      reportRest(orchestrator.runs, id, status, option),
    );
    const outcome = await Promise.race([rested, signals.stopped.then((code) => ({ code }))]);
    if (typeof outcome === 'number') return outcome;
    await orchestrator.close();
    note(`the run goes on with: npx runchart resume ${id}${databaseWords(option)}`);
    return outcome.code;
  } finally {
    await orchestrator.close();
    signals.release();
  }
}

async function restOf(
  orchestrator: Orchestrator,
  id: string,
  option: DatabaseOption,
  after: number,
): Promise<RunStatus> {
  const source = sourceHere(orchestrator);
  for (let seq = after; ; ) {
    const progress = process.stderr.isTTY
      ? new CountProgress(orchestrator, id)
      : new LineProgress();
    const rested = await followRun(source, id, progress, seq);
    progress.end();
    seq = rested.seq;
    if (rested.status !== 'awaiting-human' || !canAsk()) return rested.status;
    const [task] = (await orchestrator.runs.details(id)).tasks;
    if (task === undefined || !(await askPerson(orchestrator, task, option))) return rested.status;
  }
}

/** Follows a run of another process, in lines. */
export async function followElsewhere(
  source: RunSource,
  id: string,
  option: DatabaseOption,
): Promise<ExitCode> {
  const { status } = await followRun(source, id, new LineProgress());
  return reportRest(source.runs, id, status, option);
}

/** Prints how a run stands, and what can be done next. */
async function reportRest(
  runs: RunReads,
  id: string,
  status: RunStatus,
  option: DatabaseOption,
): Promise<ExitCode> {
  const { reason, tasks, artifacts, nodes } = await runs.details(id);
  const why = typeof reason?.message === 'string' ? `: ${reason.message}` : '';
  print(clean(`run ${id} is ${status}${why}`));
  const accepted = artifacts.filter(({ standing }) => standing === 'accepted');
  for (const { name, version, kind, pointer } of accepted) {
    print(
      clean(
        `artifact ${name} (${kind}, version ${version})${pointer === null ? '' : `: ${pointer}`}`,
      ),
    );
  }
  for (const task of tasks) print(describeTask(task, option));
  for (const { node, reason: blocked } of nodes.filter((view) => view.status === 'blocked')) {
    print(clean(`"${node}" is blocked: ${String(blocked?.message ?? 'no reason is recorded')}`));
  }
  const words = databaseWords(option);
  if (status === 'paused') note(`it goes on with: npx runchart resume ${id}${words}`);
  if (status === 'failed') note(`see what failed with: npx runchart show ${id}${words}`);
  return exitCodeOf(status);
}
