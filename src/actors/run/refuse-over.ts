/** Why nothing can come back from outside about a node run, whatever it is about. Pure. */
import { RunchartError } from '../../errors.js';
import { isFinal } from '../../machines/statuses.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';

/** There is no such node, or its run has ended; `node` is its path as the message names it. */
export function refuseOver(
  { record }: Pick<RunModel, 'record'>,
  run: NodeRun | undefined,
  node: string,
): RunchartError | undefined {
  if (run === undefined) {
    return new RunchartError('node-unknown', `run ${record.id} has no node "${node}"`);
  }
  if (!isFinal(record.status)) return undefined;
  return new RunchartError('run-ended', `run ${record.id} has ended`);
}
