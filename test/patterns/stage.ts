/** Plans of pages and files, brought onto the kernel harness. */
import { expect } from 'vitest';
import { compilePlan } from '../../src/plan/compile.js';
import { parsePlanText } from '../../src/plan/parse.js';
import type { PlanVersion } from '../../src/plan/plan-version.js';
import { Kernel, type KernelOptions, type StartOptions } from '../support/kernel.js';

export const root = new URL('../../', import.meta.url);

/** Compiles a plan that is shown to readers: it must not have a finding. */
export function compileShown(text: string): PlanVersion {
  const parsed = parsePlanText(text);
  const result = compilePlan(parsed.ok ? parsed.draft : undefined);
  if (!result.ok) throw new Error(result.issues.map((issue) => issue.message).join('\n'));
  expect(result.version.warnings).toEqual([]);
  return result.version;
}

/** Starts a run of a plan and waits until nothing goes on without the test. */
export async function stage(
  text: string,
  { handlers = {}, ...start }: StartOptions & Pick<KernelOptions, 'handlers'> = {},
): Promise<Kernel> {
  const kernel = new Kernel({ handlers });
  await kernel.start(compileShown(text), start);
  await kernel.settle();
  return kernel;
}

/** Ids of the runs that were started as subplans, in the order of their start. */
export function childrenOf(kernel: Kernel): string[] {
  return [...kernel.storage.runs.keys()].filter((run) => run !== 'r1');
}

/** Starts of attempts, in order. */
export function startsOf(kernel: Kernel, run = 'r1'): string[] {
  return kernel.log(run, /^node\.started .*#/).map((line) => line.slice('node.started '.length));
}
