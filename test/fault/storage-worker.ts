/**
 * The child that starts one small run after the other until SIGTERM, and reports each answer and each
 * change of health. Run it under plain Node: folder of the build, database.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { Plan } from '../../src/plan/schema.js';
import { loadProduct } from './built-product.js';
import { report } from './report.js';

/** Time between two runs, and between two looks at health. */
const PAUSE_MS = 5;

const PLAN: Plan = {
  title: 'Two echoes',
  nodes: [
    { kind: 'action', id: 'first', handler: 'echo' },
    { kind: 'action', id: 'second', handler: 'echo' },
  ],
  edges: [{ source: 'first', target: 'second' }],
};

const [build = '', database = ''] = process.argv.slice(2);
let isOver = false;
process.once('SIGTERM', () => {
  isOver = true;
});

const { createOrchestrator } = await loadProduct(build);
try {
  const orchestrator = await createOrchestrator({
    url: database,
    handlers: { echo: (input: unknown) => input },
  });
  report({ is: 'opened' });
  await Promise.all([startRuns(orchestrator), watchHealth(orchestrator)]);
  await orchestrator.close();
  report({ is: 'done' });
} catch (error) {
  report({ is: 'refused', code: codeOf(error) });
}

async function startRuns(orchestrator: Orchestrator): Promise<void> {
  const ending: Promise<void>[] = [];
  for (let number = 0; !isOver; number += 1) {
    const run = `run-${number}`;
    try {
      await orchestrator.start(PLAN, { id: run, input: { text: 'x'.repeat(2_000) } });
      report({ is: 'started', run });
      ending.push(reportEnd(orchestrator, run));
    } catch (error) {
      const retryable = error instanceof Error && 'retryable' in error && error.retryable === true;
      report({ is: 'failed', run, code: codeOf(error), retryable });
    }
    await sleep(PAUSE_MS);
  }
  await Promise.all(ending);
}

async function reportEnd(orchestrator: Orchestrator, run: string): Promise<void> {
  const { status } = await orchestrator.result(run);
  report({ is: 'ended', run, status });
}

async function watchHealth(orchestrator: Orchestrator): Promise<void> {
  let last = '';
  while (!isOver) {
    const { status } = orchestrator.health();
    if (status !== last) report({ is: 'health', status });
    last = status;
    await sleep(PAUSE_MS);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
