/** Checks how edges share their source and their target: defaults, switches, joins. */

import { BREAK } from './edge-schema.js';
import type { Reporter } from './findings.js';
import { pointer } from './pointer.js';
import type { EdgeOutline, NodeOutline } from './shape.js';
import type { Topology } from './topology.js';

export function checkRouting(topology: Topology, findings: Reporter): void {
  for (const outline of topology.edges) checkDefault(outline, findings);
  const { outStart, predecessors, order } = topology.adjacency;
  topology.nodes.forEach((node, position) => {
    const outgoing: EdgeOutline[] = [];
    for (let edge = outStart[position] ?? 0; edge < (outStart[position + 1] ?? 0); edge++) {
      outgoing.push(topology.edges[order[edge] ?? 0] as EdgeOutline);
    }
    checkSeveralDefaults(node, outgoing, findings);
    checkSwitch(node, outgoing, findings);
    checkJoin(node, predecessors[position] ?? 0, findings);
  });
}

function checkDefault({ edge, index }: EdgeOutline, findings: Reporter): void {
  if (edge?.default !== true) return;
  if (!isConditional(edge.when) && edge.on === undefined) return;
  findings.block({
    code: 'default-with-condition',
    message: 'A default edge has neither `when` nor `on`',
    path: pointer('edges', index, 'default'),
    node: edge.source,
  });
}

function checkSeveralDefaults(
  node: NodeOutline,
  outgoing: readonly EdgeOutline[],
  findings: Reporter,
): void {
  for (const { index } of outgoing.filter(({ edge }) => edge?.default === true).slice(1)) {
    findings.block({
      code: 'several-defaults',
      message: `'${node.id}' has more than one default edge`,
      path: pointer('edges', index, 'default'),
      node: node.id,
    });
  }
}

function checkSwitch(
  { node, id, index }: NodeOutline,
  outgoing: readonly EdgeOutline[],
  findings: Reporter,
): void {
  if (node?.kind !== 'switch') return;
  const path = pointer('nodes', index);
  if (outgoing.length === 0) {
    const message = `The switch '${id}' has no outgoing edge`;
    findings.warn({ code: 'switch-without-edges', message, path, node: id });
    return;
  }
  if (!outgoing.some(({ edge }) => edge?.default === true || isAlwaysTaken(edge))) {
    findings.warn({
      code: 'switch-without-default',
      message: `Where no condition of the switch '${id}' holds, nothing follows it`,
      path,
      node: id,
      hint: 'Add an edge with `default: true`',
    });
  }
  if (node.mode !== 'inclusive') checkShadowed(id, outgoing, findings);
}

/** In an exclusive switch an unconditional edge hides all that come after it. */
function checkShadowed(id: string, outgoing: readonly EdgeOutline[], findings: Reporter): void {
  const first = outgoing.findIndex(({ edge }) => isAlwaysTaken(edge));
  if (first === -1) return;
  const hidden = outgoing.filter(({ edge }, at) => at > first || edge?.default === true);
  for (const { index } of hidden) {
    findings.warn({
      code: 'switch-edge-shadowed',
      message: `This edge of the switch '${id}' is never taken: an edge without a condition wins`,
      path: pointer('edges', index),
      node: id,
      hint: 'Mark the edge without a condition as `default`',
    });
  }
}

function checkJoin(
  { node, id, index }: NodeOutline,
  predecessors: number,
  findings: Reporter,
): void {
  if (node?.kind !== 'join') return;
  if (predecessors < 2 && id !== BREAK) {
    findings.warn({
      code: 'join-with-one-input',
      message: `The join '${id}' joins ${predecessors === 0 ? 'no nodes' : 'one node only'}`,
      path: pointer('nodes', index),
      node: id,
    });
  }
  if (typeof node.rule === 'object' && 'count' in node.rule && node.rule.count > predecessors) {
    findings.block({
      code: 'join-count-too-large',
      message: `The join '${id}' waits for ${node.rule.count} of ${predecessors} nodes`,
      path: pointer('nodes', index, 'rule', 'count'),
      node: id,
    });
  }
}

function isAlwaysTaken(edge: EdgeOutline['edge']): boolean {
  if (edge === undefined) return false;
  return edge.default !== true && edge.on === undefined && !isConditional(edge.when);
}

function isConditional(when: string | undefined): boolean {
  const text = when?.trim() ?? '';
  return text !== '' && text !== 'always';
}
