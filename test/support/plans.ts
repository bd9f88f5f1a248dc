/** Short spellings of plans for tests. Every action is done by the handler `work`. */
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import type { PlanVersion } from '../../src/plan/plan-version.js';

export interface Draft {
  readonly [key: string]: unknown;
}

export function action(id: string, more: object = {}): Draft {
  return { kind: 'action', id, handler: 'work', ...more };
}

export function approval(id: string, more: object = {}): Draft {
  return { kind: 'human-approval', id, ...more };
}

export function join(id: string, more: object = {}): Draft {
  return { kind: 'join', id, ...more };
}

export function switchNode(id: string, more: object = {}): Draft {
  return { kind: 'switch', id, ...more };
}

export function edge(source: string, target: string, more: object = {}): Draft {
  return { source, target, ...more };
}

/** Edges that lead from each node to the next. */
export function chain(...ids: readonly string[]): Draft[] {
  return ids.slice(1).map((target, i) => edge(ids[i] ?? '', target));
}

export function plan(
  nodes: readonly Draft[],
  edges: readonly Draft[] = [],
  more: object = {},
): PlanVersion {
  return compilePlanOrThrow({ title: 'Test', nodes, edges, ...more });
}
