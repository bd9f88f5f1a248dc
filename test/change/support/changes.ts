/** Changes of the runs of a kernel: forks and replacements read its rows. */
import { HandlerRegistry } from '../../../src/actors/handler-registry.js';
import { PlanCache } from '../../../src/actors/plan-cache.js';
import { RunChanges } from '../../../src/change/run-changes.js';
import { RunDrafts } from '../../../src/run-drafts.js';
import { memoryRows } from '../../../src/testing/memory-rows.js';
import { simulatedEnvironment } from '../../../src/testing/simulation.js';
import type { Kernel } from '../../support/kernel.js';

export function changesOf(kernel: Kernel): RunChanges {
  const { storage } = kernel;
  const environment = { ...simulatedEnvironment(7), clock: kernel.clock };
  const drafts = new RunDrafts({
    environment,
    registry: new HandlerRegistry({ work: () => null }),
    journal: storage.journal,
    store: storage.store,
    plans: new PlanCache(),
    runConcurrency: 1_000,
    // Apart from the numbers that the kernel gives.
    lastRun: 1_000 + storage.runs.size,
  });
  return new RunChanges({
    rows: memoryRows(storage),
    drafts,
    journal: { write: (rows) => storage.journal.write(rows) },
    keys: storage.store.runKeys,
    send: (run, message) => kernel.send(message, run),
    start: (draft, first) => {
      kernel.setVersion(draft.record.id, draft.version);
      return kernel.supervisor.start({ isFresh: false, ...draft }, first);
    },
  });
}
