/** What a node run needs to be let in: its handler, and its concurrency key where it has one. */
import type { EdgeScope, Evaluation } from '../../plan/plan-version.js';
import type { NodeRun } from './scope.js';

const MAX_KEY_LENGTH = 512;

/** What one attempt needs to be let in. */
export interface Permit {
  /** Path of the node run. */
  readonly node: string;
  readonly handler: string;
  /** Attempts with the same key share a limit. */
  readonly key: string | undefined;
  readonly keyLimit: number | undefined;
}

/** Works out the concurrency key of a ready node run; a key is a text, or made one. */
export function concurrencyKeyOf(
  run: NodeRun,
  scopeOf: (run: NodeRun) => EdgeScope,
): Evaluation<string> | undefined {
  const { concurrencyKey } = run.node;
  if (concurrencyKey === undefined) return undefined;
  const result = concurrencyKey.key.evaluate(scopeOf(run));
  if (!result.ok) return result;
  const text = typeof result.value === 'string' ? result.value : JSON.stringify(result.value);
  if (text.length <= MAX_KEY_LENGTH) return { ok: true, value: text };
  const message = `the concurrency key has more than ${MAX_KEY_LENGTH} characters`;
  return { ok: false, code: 'key-too-long', message };
}

export function permitOf({ path, node, handler, key }: NodeRun): Permit {
  return {
    node: path,
    handler,
    key,
    keyLimit: node.concurrencyKey?.limit,
  };
}

/** Node runs of one lane wait for the same. */
export function laneOf({ handler, key }: NodeRun): string {
  return key === undefined ? handler : `${handler}\n${key}`;
}
