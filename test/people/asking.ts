/** Short spellings for tests of human tasks. */
import type { TaskChange, TaskResponseMessage } from '../../src/actors/messages.js';
import type { Principal } from '../../src/actors/records.js';
import type { JsonObject, JsonValue } from '../../src/plan/json.js';
import {
  Kernel,
  type KernelOptions,
  respondMessage,
  type StartOptions,
} from '../support/kernel.js';
import { action, type Draft, edge, plan } from '../support/plans.js';

export function human(kind: string, id: string, more: object = {}): Draft {
  return { kind: `human-${kind}`, id, ...more };
}

/** A run of a plan in which `ask` is asked and `after` follows it, up to the question. */
export async function asked(
  ask: Draft,
  { kernel: options = {}, ...start }: StartOptions & { readonly kernel?: KernelOptions } = {},
): Promise<Kernel> {
  const kernel = new Kernel(options);
  await kernel.start(plan([{ ...ask, id: 'ask' }, action('after')], [edge('ask', 'after')]), start);
  await kernel.settle();
  return kernel;
}

export const by = (name: string, ...groups: string[]): Principal => ({ name, groups });

/** Answers the open task of `ask`. */
export async function answer(
  kernel: Kernel,
  response: JsonValue,
  more: Partial<TaskResponseMessage> = {},
): Promise<unknown> {
  const task = kernel.task('ask');
  const reply = await kernel.send(respondMessage({ task, node: 'ask', response, ...more }));
  await kernel.settle();
  return reply;
}

export async function change(kernel: Kernel, what: TaskChange, task = kernel.task('ask')) {
  const reply = await kernel.send({ type: 'task.change', task, change: what });
  await kernel.settle();
  return reply;
}

export function presented(kernel: Kernel, node = 'ask'): JsonObject {
  const task = kernel.openTasks().find((open) => open.node === node);
  return JSON.parse(task?.presentedJson ?? '{}') as JsonObject;
}
