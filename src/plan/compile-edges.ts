/** Compiles what edges say: conditions and maps. Checks them against the nodes of the plan. */
import type { Facts } from './condition-syntax.js';
import { type ParsedCondition, parseCondition } from './conditions.js';
import type { PlanEdge } from './edge-schema.js';
import type { Evaluator } from './evaluator.js';
import { reportFault, reportUnknownNodes, type WrittenExpression } from './expression-findings.js';
import { parseExpression } from './expressions.js';
import type { Reporter } from './findings.js';
import { type HumanNode, isHuman, judges } from './human-schemas.js';
import { parseSource, parseTarget } from './mappings.js';
import { PathClaims } from './path-claims.js';
import type { PathSegment } from './paths.js';
import type { Condition, Expression, Mapping } from './plan-version.js';
import { pointer } from './pointer.js';
import type { EdgeOutline, NodeOutline } from './shape.js';
import { didYouMean } from './suggest.js';
import type { Topology } from './topology.js';

export interface EdgeParts {
  readonly when: Condition | undefined;
  readonly transform: Expression | undefined;
  readonly map: readonly Mapping[] | undefined;
}

/** What a graph is compiled in, as far as its edges are concerned. */
interface Surroundings {
  /** Ids of nodes around this graph, which it may read. */
  readonly enclosing: ReadonlySet<string>;
  readonly evaluator: Evaluator | undefined;
}

const APPROVAL_OUTCOMES: ReadonlySet<string> = new Set([
  'approved',
  'rejected',
  'changes-requested',
]);

export class EdgeCompiler {
  readonly #topology: Topology;
  readonly #enclosing: ReadonlySet<string>;
  readonly #evaluator: Evaluator | undefined;
  readonly #findings: Reporter;
  /** Plans repeat conditions; each text is parsed once. */
  readonly #parsed = new Map<string, ReturnType<typeof parseCondition>>();

  constructor(topology: Topology, { enclosing, evaluator }: Surroundings, findings: Reporter) {
    this.#topology = topology;
    this.#enclosing = enclosing;
    this.#evaluator = evaluator;
    this.#findings = findings;
  }

  compile(outline: EdgeOutline): EdgeParts {
    const { edge } = outline;
    if (edge === undefined) return { when: undefined, transform: undefined, map: undefined };
    const source = this.#node(edge.source);
    this.#checkAction(outline, edge, source);
    return {
      when: this.#compileCondition(outline, edge, source),
      transform: this.#compileTransform(outline, edge),
      map: this.#compileMap(outline, edge, source),
    };
  }

  #compileTransform({ index }: EdgeOutline, { transform }: PlanEdge): Expression | undefined {
    if (transform === undefined) return undefined;
    const written = { text: transform, path: pointer('edges', index, 'transform') };
    const result = parseExpression(transform, this.#evaluator);
    if (!result.ok) {
      reportFault(written, result.fault, this.#findings);
      return undefined;
    }
    this.#checkReferences(written, result);
    return result.expression;
  }

  #isNode(id: string): boolean {
    return this.#topology.positionOf.has(id) || this.#enclosing.has(id);
  }

  #node(id: string): NodeOutline | undefined {
    const position = this.#topology.positionOf.get(id);
    return position === undefined ? undefined : this.#topology.nodes[position];
  }

  #checkAction(outline: EdgeOutline, edge: PlanEdge, source: NodeOutline | undefined): void {
    const kind = source?.node?.kind;
    if (edge.on === undefined || kind === undefined || kind === 'action') return;
    if (source?.node?.kind === 'human-decision')
      return this.#checkChoice(outline, edge, source.node);
    this.#findings.warn({
      code: 'on-never-matches',
      message: `A node of kind ${kind} never returns an action, so this edge is never taken`,
      path: pointer('edges', outline.index, 'on'),
      node: edge.source,
      hint: judges(kind) ? 'Use `when: outcome == "…"`' : 'Use `when`',
    });
  }

  #checkChoice(
    outline: EdgeOutline,
    { on = '' }: PlanEdge,
    node: Extract<HumanNode, { kind: 'human-decision' }>,
  ): void {
    if (!Array.isArray(node.options) || node.options.some(({ id }) => id === on)) return;
    this.#findings.warn({
      code: 'on-never-matches',
      message: `'${on}' is none of the options of '${node.id}', so this edge is never taken`,
      path: pointer('edges', outline.index, 'on'),
      node: node.id,
      hint: didYouMean(
        on,
        node.options.map(({ id }) => id),
      ),
    });
  }

  #compileCondition(
    outline: EdgeOutline,
    edge: PlanEdge,
    source: NodeOutline | undefined,
  ): Condition | undefined {
    const { when } = edge;
    if (when === undefined) return undefined;
    const result = this.#parse(when);
    if (result.ok && isPlain(result.parsed)) return result.parsed?.condition;
    const path = pointer('edges', outline.index, 'when');
    const written = { text: when, path };
    if (!result.ok) {
      reportFault(written, result.fault, this.#findings, 'invalid-condition');
      return undefined;
    }
    const { parsed } = result;
    if (parsed === undefined) return undefined;
    this.#checkReferences(written, parsed);
    this.#checkOutcome(parsed, source, path);
    this.#checkConstant(parsed, source, path);
    return parsed.condition;
  }

  #parse(text: string): ReturnType<typeof parseCondition> {
    let result = this.#parsed.get(text);
    if (result === undefined) {
      result = parseCondition(text, this.#evaluator);
      this.#parsed.set(text, result);
    }
    return result;
  }

  #checkReferences(written: WrittenExpression, facts: Pick<Facts, 'nodeOffsets'>): void {
    const isKnown = (id: string) => this.#isNode(id);
    reportUnknownNodes(written, facts, this.#topology, isKnown, this.#findings);
  }

  #checkOutcome(parsed: ParsedCondition, source: NodeOutline | undefined, path: string): void {
    const kind = source?.node?.kind;
    if (parsed.readsOutcome && kind !== undefined && !isHuman({ kind })) {
      this.#findings.warn({
        code: 'outcome-never-set',
        message: `The source is of kind ${kind}: its outcome is always null`,
        path,
        node: source?.id,
        hint: 'Read the outcome of an approval by its id: nodes["id"].outcome',
      });
    }
    // Of other nodes that ask people the outcome is what their authors make it.
    if (kind !== undefined && isHuman({ kind }) && !judges(kind)) return;
    for (const literal of parsed.outcomeLiterals) {
      if (APPROVAL_OUTCOMES.has(literal)) continue;
      this.#findings.warn({
        code: 'unknown-outcome',
        message: `No approval has the outcome '${literal}'`,
        path,
        node: source?.id,
        hint: didYouMean(literal, APPROVAL_OUTCOMES),
      });
    }
  }

  #checkConstant(parsed: ParsedCondition, source: NodeOutline | undefined, path: string): void {
    if (parsed.constant === undefined) return;
    // Off an approval, `true` says: whatever the outcome. An edge without a condition does not.
    if (parsed.constant && judges(source?.node?.kind)) return;
    this.#findings.warn({
      code: 'constant-condition',
      message: `The condition is always ${parsed.constant}`,
      path,
      hint: parsed.constant ? 'Leave `when` out' : 'Remove the edge',
    });
  }

  #compileMap(
    outline: EdgeOutline,
    edge: PlanEdge,
    source: NodeOutline | undefined,
  ): readonly Mapping[] | undefined {
    if (edge.map === undefined) return undefined;
    const mapPath = pointer('edges', outline.index, 'map');
    const claims = new PathClaims();
    const mappings: Mapping[] = [];
    // Sorted, so that nothing depends on the order in which keys were written.
    for (const text of Object.keys(edge.map).sort()) {
      const path = mapPath + pointer(text);
      const target = this.#target(text, path, claims);
      const read = this.#source(edge.map[text] ?? '', path, source);
      if (target !== undefined && read !== undefined) {
        mappings.push(Object.freeze({ target: Object.freeze(target), text, read }));
      }
    }
    return Object.freeze(mappings);
  }

  #target(text: string, path: string, claims: PathClaims): readonly PathSegment[] | undefined {
    const target = parseTarget(text);
    if (!target.ok) {
      const { code, message, offset } = target.fault;
      this.#findings.block({ code, message, path, detail: { side: 'target', offset } });
      return undefined;
    }
    if (!claims.claim(target.segments)) {
      this.#findings.block({
        code: 'overlapping-map',
        message: `'${text}' overlaps another target path of this edge`,
        path,
      });
    }
    return target.segments;
  }

  #source(
    text: string,
    path: string,
    sourceNode: NodeOutline | undefined,
  ): Mapping['read'] | undefined {
    const source = parseSource(text);
    if (!source.ok) {
      const { code, message, offset, hint } = source.fault;
      this.#findings.block({ code, message, path, hint, detail: { side: 'source', offset } });
      return undefined;
    }
    const { nodeId, readsOutcome, read } = source;
    if (nodeId !== undefined && !this.#isNode(nodeId)) {
      this.#findings.block({
        code: 'unknown-node-in-map',
        message: `The map reads '${nodeId}', which is not a node`,
        path,
        hint: didYouMean(nodeId, this.#topology.positionOf.keys()),
      });
    }
    const kind = sourceNode?.node?.kind;
    if (readsOutcome && kind !== undefined && !isHuman({ kind })) {
      this.#findings.warn({
        code: 'outcome-never-set',
        message: `The source is of kind ${kind}: it has no outcome`,
        path,
        node: sourceNode?.id,
      });
    }
    return read;
  }
}

/** Whether nothing in a condition depends on the nodes of the plan, and nothing is worth a warning. */
function isPlain(parsed: ParsedCondition | undefined): boolean {
  if (parsed === undefined) return true;
  return parsed.nodeOffsets.size === 0 && !parsed.readsOutcome && parsed.constant === undefined;
}
