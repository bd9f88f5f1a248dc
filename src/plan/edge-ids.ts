/** Names every edge of a plan. */
import type { PlanEdge } from './edge-schema.js';

/**
 * Ids in authoring order: as given, else `source->target`, with `#2` and so on where repeated.
 * No id may hold `>`, so that the made ones never meet a given one.
 */
export function edgeIds(edges: readonly PlanEdge[]): string[] {
  const uses = new Map<string, number>();
  return edges.map(({ id, source, target }) => {
    if (id !== undefined) return id;
    const made = `${source}->${target}`;
    const use = (uses.get(made) ?? 0) + 1;
    uses.set(made, use);
    return use === 1 ? made : `${made}#${use}`;
  });
}
