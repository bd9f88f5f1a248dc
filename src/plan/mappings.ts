/** Compiles the map of an edge: where each value comes from, and where it goes in the target's input. */
import type { JsonValue } from './json.js';
import { type PathSegment, parsePath, readPath } from './paths.js';
import type { EdgeScope, Mapping } from './plan-version.js';

/** The target path that stands for the whole input. */
const WHOLE_INPUT = '$';

interface MappingFault {
  readonly code: 'invalid-path' | 'forbidden-path';
  readonly message: string;
  readonly offset: number;
  readonly hint?: string;
}

export type SourceResult =
  | {
      readonly ok: true;
      readonly read: Mapping['read'];
      /** The node that the path names, if it names one. */
      readonly nodeId: string | undefined;
      readonly readsOutcome: boolean;
    }
  | { readonly ok: false; readonly fault: MappingFault };

export type TargetResult =
  | { readonly ok: true; readonly segments: readonly PathSegment[] }
  | { readonly ok: false; readonly fault: MappingFault };

/** Parses a target path; `$` alone is the whole input. */
export function parseTarget(text: string): TargetResult {
  if (text === WHOLE_INPUT) return { ok: true, segments: [] };
  const path = parsePath(text);
  return path.ok ? { ok: true, segments: path.segments } : { ok: false, fault: path };
}

const ROOTS_HINT = 'Start with inputs, input, output, outcome or nodes["id"].output';

/** Parses a source path and binds it to the scope of an edge. */
export function parseSource(text: string): SourceResult {
  const path = parsePath(text);
  if (!path.ok) return { ok: false, fault: { ...path, hint: ROOTS_HINT } };
  const { segments } = path;
  const source = (read: Mapping['read'], nodeId?: string, readsOutcome = false): SourceResult => ({
    ok: true,
    read,
    nodeId,
    readsOutcome,
  });

  switch (segments[0]) {
    case 'inputs':
      return source((scope) => readPath(scope.inputs, segments, 1));
    case 'input':
      return source((scope) => readPath(scope.input, segments, 1));
    case 'output':
      return source((scope) => readPath(scope.output, segments, 1));
    case 'outcome':
      return source((scope) => readPath(scope.outcome, segments, 1), undefined, true);
    case 'nodes': {
      const read = nodeReader(segments);
      return read === undefined
        ? invalid('Expected nodes["id"] and then input, output, outcome or artifacts')
        : source(read, String(segments[1]));
    }
    default:
      return invalid(`There is no '${segments[0]}' to read from`);
  }
}

function invalid(message: string): SourceResult {
  return { ok: false, fault: { code: 'invalid-path', message, offset: 0, hint: ROOTS_HINT } };
}

const NODE_MEMBERS = ['input', 'output', 'outcome', 'artifacts'] as const;

function nodeReader(segments: readonly PathSegment[]): Mapping['read'] | undefined {
  const id = segments[1];
  const member = NODE_MEMBERS.find((name) => name === segments[2]);
  if (typeof id !== 'string' || member === undefined) return undefined;
  return (scope: EdgeScope): JsonValue | undefined =>
    readPath(scope.node(id)?.[member], segments, 3);
}
