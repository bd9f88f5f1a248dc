/** Compares what is stored of a run, and of those inside it, with what the reference knows. */
import { expect } from 'vitest';
import type { JsonValue } from '../../src/plan/json.js';
import type { Kernel } from '../support/kernel.js';
import { logOfNodes, runAt, withdrawalsSorted } from './play.js';
import type { Reference } from './reference.js';

export interface Differences {
  /** Interrupted attempts count, and the reference knows of none. */
  readonly hasInterruptions?: boolean;
}

export function expectSame(
  kernel: Kernel,
  reference: Reference,
  differences: Differences = {},
): void {
  for (const [run, one] of storedRuns(kernel, reference)) {
    expectSameRun(kernel, one, run, differences);
  }
}

/** The runs that both know, with their ids in the kernel. */
export function* storedRuns(kernel: Kernel, reference: Reference): Generator<[string, Reference]> {
  for (const one of reference.world.runs) {
    const run = runAt(kernel, one.address);
    // A further try of a subplan has another run.
    if (run !== undefined && one.isStarted && isCurrent(one)) yield [run, one];
  }
}

function isCurrent(reference: Reference): boolean {
  const { address, world } = reference;
  return world.runs.findLast((other) => other.address === address) === reference;
}

function expectSameRun(
  kernel: Kernel,
  reference: Reference,
  run: string,
  { hasInterruptions = false }: Differences,
): void {
  const { nodeRuns } = kernel.rows(run);
  const name = (path: string) => `${path} of ${reference.address || 'the run'}`;
  expect(kernel.status(run), name('status')).toBe(reference.runStatus());
  for (const row of nodeRuns.values()) {
    expect(reference.touched.has(row.node), name(row.node)).toBe(true);
  }
  for (const [path, expected] of reference.touched) {
    const row = nodeRuns.get(path);
    expect(row?.status, `status of ${name(path)}`).toBe(expected.status);
    expect(row?.generation, `generation of ${name(path)}`).toBe(expected.generation);
    if (!hasInterruptions) expect(row?.attempt, `attempt of ${name(path)}`).toBe(expected.attempt);
    expect(parsed(row?.inputJson), `input of ${name(path)}`).toEqual(expected.input);
    if (['completed', 'partial'].includes(expected.status)) {
      expect(parsed(row?.outputJson), `output of ${name(path)}`).toEqual(expected.output);
    }
  }
}

function parsed(json: string | null | undefined): JsonValue | undefined {
  return json === null || json === undefined ? undefined : (JSON.parse(json) as JsonValue);
}

/** What happened to nodes and edges, in the same order. */
export function expectSameLog(kernel: Kernel, reference: Reference): void {
  for (const [run, one] of storedRuns(kernel, reference)) {
    expect(withdrawalsSorted(logOfNodes(kernel, run)), one.address).toEqual(
      withdrawalsSorted(one.log),
    );
  }
}
