/** Runs that work for each other: what they are told, and how all of them come to their ends. */
import type { Kernel } from './kernel.js';

export const PAUSE = { type: 'run.pause' } as const;
export const RESUME = { type: 'run.resume' } as const;

/** All runs of a kernel, the outermost first. */
export const family = (kernel: Kernel) => [...kernel.storage.runs.keys()];

export async function tell(kernel: Kernel, message: typeof PAUSE | typeof RESUME, run = 'r1') {
  await kernel.send(message, run);
  await kernel.settle();
}

/** Everything that is at work ends well, until nothing is. */
export async function finishAll(kernel: Kernel): Promise<void> {
  for (;;) {
    const run = family(kernel).find((id) => kernel.open(id).length > 0);
    if (run === undefined) return;
    await kernel.finish(kernel.working(run)[0] ?? '', 1, run);
  }
}
