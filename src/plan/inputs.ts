/**
 * Resolves the input of a node from its taken inbound edges. Pure. What two edges both write is a
 * conflict, unless the node declares which of them wins; the order is that of the edges.
 */
import type { JsonValue } from './json.js';
import { PathClaims } from './path-claims.js';
import { formatPath, type PathSegment, PathWriter } from './paths.js';
import type { CompiledEdge, CompiledNode, EdgeScope } from './plan-version.js';

export interface TakenEdge {
  readonly edge: CompiledEdge;
  readonly scope: EdgeScope;
}

export type ResolvedInput =
  | { readonly ok: true; readonly value: JsonValue | undefined }
  | {
      readonly ok: false;
      /** `input-conflict`, or the code of a transform that could not be evaluated. */
      readonly code: string;
      readonly message: string;
      /** The path of the input that is written twice, as in a map; the id of the edge of a transform. */
      readonly path: string;
    };

/** `inboundCount` is the number of declared inbound edges, taken or not. */
export function resolveInput(
  node: CompiledNode,
  takenEdges: readonly TakenEdge[],
  runInputs: JsonValue,
  inboundCount: number,
): ResolvedInput {
  if (inboundCount === 0) return { ok: true, value: runInputs };
  const carried = carry(takenEdges);
  if ('ok' in carried) return carried;
  return merge(node, carried, inboundCount);
}

/** The edges with what they carry: the output of their source, or what their transform makes of it. */
function carry(
  takenEdges: readonly TakenEdge[],
): readonly TakenEdge[] | (ResolvedInput & { ok: false }) {
  const carried: TakenEdge[] = [];
  for (const taken of takenEdges) {
    const { edge, scope } = taken;
    if (edge.transform === undefined) {
      carried.push(taken);
      continue;
    }
    const made = edge.transform.evaluate(scope);
    if (!made.ok) {
      const message = `the transform of edge ${edge.id} failed: ${made.message}`;
      return { ok: false, code: made.code, message, path: edge.id };
    }
    carried.push({ edge, scope: { ...scope, output: made.value } });
  }
  return carried;
}

function merge(
  node: CompiledNode,
  takenEdges: readonly TakenEdge[],
  inboundCount: number,
): ResolvedInput {
  const first = takenEdges[0];
  if (first === undefined) return { ok: true, value: undefined };
  const isPassedOn = inboundCount === 1 && node.kind !== 'join' && first.edge.map === undefined;
  if (isPassedOn) return { ok: true, value: first.scope.output };
  const writes = takenEdges.flatMap(writesOf);
  if (node.mergeInputs === 'error') return writeApart(writes);
  // What comes later wins, so the first wins where the order is turned round.
  return writeOver(node.mergeInputs === 'last' ? writes : writes.reverse());
}

interface Write {
  readonly segments: readonly PathSegment[];
  readonly value: JsonValue;
  /** Id of the source where its whole output is written under that id. */
  readonly bySourceId: string | undefined;
}

/** What an edge contributes; values that do not exist contribute nothing. */
function writesOf({ edge, scope }: TakenEdge): Write[] {
  if (edge.map === undefined) {
    const { sourceId } = edge;
    const value = scope.output;
    // What a transform made is not the output of the source.
    const bySourceId = edge.transform === undefined ? sourceId : undefined;
    return value === undefined ? [] : [{ segments: [sourceId], value, bySourceId }];
  }
  return edge.map.flatMap(({ target, read }) => {
    const value = read(scope);
    return value === undefined ? [] : [{ segments: target, value, bySourceId: undefined }];
  });
}

function writeApart(writes: readonly Write[]): ResolvedInput {
  const claims = new PathClaims();
  const bySourceId = new Set<string>();
  const writer = new PathWriter();
  for (const write of writes) {
    if (write.bySourceId !== undefined) {
      // Parallel edges of one source bring the same output: no conflict.
      if (bySourceId.has(write.bySourceId)) continue;
      bySourceId.add(write.bySourceId);
    }
    if (!claims.claim(write.segments)) return conflictAt(write.segments);
    writer.write(write.segments, write.value);
  }
  return finish(writer);
}

function writeOver(writes: readonly Write[]): ResolvedInput {
  const writer = new PathWriter();
  for (const { segments, value } of writes) writer.write(segments, value);
  return finish(writer);
}

/** Taken edges make an input, if an empty one, where none of their values exists. */
function finish(writer: PathWriter): ResolvedInput {
  return { ok: true, value: writer.value ?? {} };
}

function conflictAt(segments: readonly PathSegment[]): ResolvedInput {
  const path = segments.length === 0 ? '$' : formatPath(segments);
  return {
    ok: false,
    code: 'input-conflict',
    message: `Two edges write '${path}' of the input; set mergeInputs, or map them apart`,
    path,
  };
}
