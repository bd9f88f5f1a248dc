/** Checks that a run can go back from one node to another: there has to be a path between them. */
import type { Reporter } from './findings.js';
import { upstreamOf } from './graph.js';
import { didYouMean } from './suggest.js';
import type { Topology } from './topology.js';

/** `path` is the JSON Pointer of what names `to`. */
export function checkWayBack(
  node: string,
  to: string,
  path: string,
  { adjacency, positionOf }: Topology,
  findings: Reporter,
): void {
  const target = positionOf.get(to);
  if (target === undefined) {
    const hint = didYouMean(to, positionOf.keys());
    findings.block({
      code: 'unknown-backtrack',
      message: `'${to}' is not a node here`,
      path,
      node,
      hint,
    });
    return;
  }
  const position = positionOf.get(node) ?? 0;
  if (target === position || upstreamOf(adjacency, position).has(target)) return;
  findings.block({
    code: 'backtrack-not-upstream',
    message: `No path leads from '${to}' to '${node}'`,
    path,
    node,
  });
}
