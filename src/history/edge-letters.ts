/** Outcomes of the outgoing edges of a final node run, from the plan and from what the log says was evaluated. */
import { routeFrom } from '../actors/run/routing.js';
import { EMPTY_SCOPE } from '../plan/conditions.js';
import { outgoingEdges } from '../plan/graph-edges.js';
import type { CompiledEdge, CompiledNode, PlanGraph } from '../plan/plan-version.js';
import type { NodeRunPart } from './run-snapshot.js';

/** What `edge.evaluated` says. */
export interface ToldEdge {
  readonly result?: boolean | null;
  readonly outcome?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface FoundNode {
  readonly node: CompiledNode;
  /** The graph that it lies in, and its place there. */
  readonly graph: PlanGraph;
}

/** A letter per edge; empty while an event of one of them is still to come. */
export function lettersOf(
  { node, graph }: FoundNode,
  { status, action, outcome }: Pick<NodeRunPart, 'status' | 'action' | 'outcome'>,
  told: ReadonlyMap<string, ToldEdge>,
): string {
  let isTold = true;
  const asTold = (edge: CompiledEdge): CompiledEdge =>
    edge.when === undefined
      ? edge
      : {
          ...edge,
          when: {
            text: edge.when.text,
            evaluate: () => {
              const said = told.get(edge.id);
              if (said === undefined) isTold = false;
              if (said?.error !== undefined) return { ok: false, ...said.error };
              return { ok: true, value: said?.result === true };
            },
          },
        };
  const edges = outgoingEdges(graph, node.position).map(asTold);
  // Conditions are not evaluated, so that nothing has to be in scope.
  const result = { action, outcome, scope: EMPTY_SCOPE };
  const decisions = routeFrom(node, edges, status, result);
  // An event is the last word: a later version of the rules does not decide again.
  const letters = decisions.map(({ edge, outcome }) => told.get(edge.id)?.outcome ?? outcome);
  return isTold ? letters.map((letter) => letter.charAt(0)).join('') : '';
}

/** The node that a path leads to; undefined for items and compensations, which have no edges. */
export function nodeAt(graph: PlanGraph, path: string): FoundNode | undefined {
  const [first = '', ...rest] = path.split('/');
  const [id = ''] = first.split(/[[#]/);
  const node = graph.nodes[graph.positionOf.get(id) ?? -1];
  if (node === undefined || (rest.length === 0 && first.endsWith(']'))) return undefined;
  if (rest.length === 0) return { node, graph };
  return node.loop && nodeAt(node.loop.body, rest.join('/'));
}
