/** What checks see of a run beside what the node gives. */
import type { Surroundings } from './assess-completion.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';

export function surroundingsOf(model: RunModel, run: NodeRun): Surroundings {
  const { node, path, generation, attempt } = run;
  return {
    scope: model.scopeOf(run),
    about: { id: node.id, path, kind: node.kind, generation, attempt },
  };
}
