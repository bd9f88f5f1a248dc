/** What is not somebody's to decide as a person is not his to decide as an operator either. Pure. */
import { RunchartError } from '../../errors.js';
import { isUnderFourEyes } from '../../plan/four-eyes.js';
import { requestersOf } from './entitlement.js';
import type { RunModel } from './run-model.js';
import type { NodeRun } from './scope.js';

/** Says why somebody may not complete a node run by hand, or nothing. */
export function refuseByHand(
  { settings, work }: RunModel,
  { node, path }: NodeRun,
  by: string,
): RunchartError | undefined {
  const requesters = isUnderFourEyes(node) ? requestersOf(settings) : [];
  const givenBy = work.held.get(path)?.answer?.givenBy ?? [];
  if (!requesters.includes(by) && !givenBy.includes(by)) return undefined;
  const text = `${by} asked for the run, or gave what is judged, and may not complete "${path}"`;
  return new RunchartError('responder-excluded', text, { hint: 'somebody else has to do it' });
}
