/** What is on record of the inputs of attempts, against what handlers were given. */
import { expect } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/plan/json.js';
import { toAttempts } from '../../src/row-views.js';
import type { Kernel } from './kernel.js';

/** Every attempt that `work` was called for is on record with what it was given; a check sees what its node was given. */
export function expectGiven(kernel: Kernel): void {
  const recorded = inputsOnRecord(kernel);
  for (const [key, text] of kernel.given) {
    const [attempt = '', check] = key.split('/checks/');
    const told = JSON.parse(text) as JsonValue;
    const given = check === undefined ? told : ((told as JsonObject).input ?? null);
    // That of the work in place of which a substitute works, where its result is checked.
    const found = recorded.get(attempt);
    const own =
      check !== undefined && found?.isSubstitute ? (found.input as JsonObject).input : found?.input;
    expect(own, key).toEqual(given);
  }
}

/** Inputs of all attempts by their keys; null where an attempt was given nothing. */
export function inputsOnRecord({ storage }: Pick<Kernel, 'storage'>) {
  const recorded = new Map<string, { readonly input: JsonValue; readonly isSubstitute: boolean }>();
  for (const rows of storage.runs.values()) {
    const attempts = [...rows.attempts.values()];
    const inputs = attempts.map((row) => rows.inputOf(row));
    for (const shown of toAttempts(attempts, inputs)) {
      const { node, generation, attempt, input = null, isSubstitute } = shown;
      recorded.set(`${rows.record.id}/${node}/${generation}/${attempt}`, { input, isSubstitute });
    }
  }
  return recorded;
}
