/** The output of a run that has ended well: what its plan says, or what its last nodes gave. */
import type { JsonValue } from '../../plan/json.js';
import type { Turn } from '../turn.js';
import type { RunModel } from './run-model.js';

/** Largest output of a run, in characters of JSON; a larger one is left out, and an event says so. */
const MAX_OUTPUT_LENGTH = 16 * 1024 * 1024;

/** As JSON text; null where it has none. */
export function runOutput({
  model,
  turn,
}: {
  readonly model: RunModel;
  readonly turn: Turn;
}): string | null {
  const { result } = model.version;
  // Nobody waits for the outputs of a run that is no subplan: they are read from its nodes.
  if (result === undefined && model.record.parentId === null) return null;
  const evaluated =
    result === undefined
      ? { ok: true as const, value: model.outputsOf(model.root) as JsonValue }
      : result.evaluate({
          inputs: model.inputs,
          input: model.inputs,
          output: undefined,
          outcome: undefined,
          node: (id) => model.finishedView(model.root, id),
        });
  if (!evaluated.ok) {
    const { code, message } = evaluated;
    turn.event('run.result-failed', null, null, { code, message });
    return null;
  }
  const json = JSON.stringify(evaluated.value);
  if (json.length <= MAX_OUTPUT_LENGTH) return json;
  const message = `the output has ${json.length} characters of JSON, more than ${MAX_OUTPUT_LENGTH}`;
  turn.event('run.result-failed', null, null, { code: 'result-too-large', message });
  return null;
}
