/** Answers open tasks by the node that asks. */
import type { JsonValue } from '../plan/json.js';
import { SimulationError } from './simulation-error.js';
import type { TestRun } from './test-run.js';
import { type World, wasCutOff } from './world.js';

export interface Answer {
  readonly node: string;
  readonly response: JsonValue;
  /** Who answers. */
  readonly responder?: string;
}

/**
 * Resolves when the answer is durable; asks again where a crash cut off the answer and the task is still
 * open. Rejects with `no-open-task`, and as `respond` of the orchestrator does.
 */
export async function answerTask(world: World, run: TestRun, answer: Answer): Promise<void> {
  const { node, ...options } = answer;
  const task = openTask(run, node);
  do {
    try {
      await world.ask((orchestrator) => orchestrator.respond(task, options));
      return;
    } catch (error) {
      if (!wasCutOff(error)) throw error;
    }
  } while (run.tasks.some(({ id }) => id === task));
}

function openTask(run: TestRun, node: string): string {
  const open = run.tasks.find((task) => task.node === node);
  if (open !== undefined) return open.id;
  const others = run.tasks.map((task) => task.node).join(', ') || 'none';
  const message = `node "${node}" of run ${run.id} has no open task; open are: ${others}`;
  throw new SimulationError('no-open-task', `${message}\n\n${run.log.print(20)}`);
}
