/** Drafts that the tests of plans share. */
import { compilePlan, compilePlanOrThrow } from '../../src/plan/compile.js';
import type { Issue } from '../../src/plan/issue.js';
import type { EdgeScope, PlanVersion } from '../../src/plan/plan-version.js';

export function action(id: string, more: object = {}): Record<string, unknown> {
  return { kind: 'action', id, handler: 'work', ...more };
}

export function edge(source: string, target: string, more: object = {}): Record<string, unknown> {
  return { source, target, ...more };
}

export function draft(
  nodes: readonly unknown[],
  edges: readonly unknown[] = [],
  more: object = {},
) {
  return { title: 'Test', nodes, edges, ...more };
}

export function compiled(
  nodes: readonly unknown[],
  edges: readonly unknown[] = [],
  more: object = {},
): PlanVersion {
  return compilePlanOrThrow(draft(nodes, edges, more));
}

export function issuesOf(value: unknown): readonly Issue[] {
  const result = compilePlan(value);
  return result.ok ? result.version.warnings : result.issues;
}

export function codesOf(value: unknown): string[] {
  return issuesOf(value).map((issue) => issue.code);
}

export function scope(parts: Partial<EdgeScope> = {}): EdgeScope {
  return {
    inputs: {},
    input: undefined,
    output: undefined,
    outcome: undefined,
    node: () => undefined,
    ...parts,
  };
}
