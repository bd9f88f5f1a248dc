/** Compares what edges carry with what their targets take, by the schemas of both ends where both are given. */
import type { PlanEdge } from './edge-schema.js';
import type { Reporter } from './findings.js';
import { type GraphContext, resolveSchema } from './graph-parts.js';
import type { JsonValue } from './json.js';
import { parseTarget } from './mappings.js';
import type { PlanNode } from './node-schemas.js';
import { inputSchemaOf, outputSchemaOf } from './node-settings.js';
import { type PathSegment, parsePath } from './paths.js';
import { pointer } from './pointer.js';
import type { SchemaReference } from './schema.js';
import { misfit, schemaAt } from './schema-fit.js';
import type { Topology } from './topology.js';

type Schema = JsonValue | undefined;

type SchemaSources = Pick<GraphContext, 'named' | 'inputs'>;

export function checkFit(topology: Topology, sources: SchemaSources, findings: Reporter): void {
  const check = new FitCheck(topology, sources, findings);
  for (const { edge, index } of topology.edges) if (edge !== undefined) check.edge(edge, index);
}

class FitCheck {
  readonly #topology: Topology;
  readonly #sources: SchemaSources;
  readonly #findings: Reporter;

  constructor(topology: Topology, sources: SchemaSources, findings: Reporter) {
    this.#topology = topology;
    this.#sources = sources;
    this.#findings = findings;
  }

  edge(edge: PlanEdge, index: number): void {
    const target = this.#node(edge.target);
    const input = target && this.#resolve(inputSchemaOf(target));
    if (target === undefined || input === undefined) return;
    if (edge.map !== undefined) return this.#map(edge, index, input);
    const isPassedOn = this.#inboundOf(edge.target) === 1 && target.kind !== 'join';
    const output = edge.transform === undefined ? this.#outputOf(edge.source) : undefined;
    if (isPassedOn) this.#compare(output, input, pointer('edges', index), edge, 'its output');
  }

  #map(edge: PlanEdge, index: number, input: JsonValue): void {
    for (const [place, text] of Object.entries(edge.map ?? {})) {
      const target = parseTarget(place);
      const source = parsePath(text);
      if (!target.ok || !source.ok) continue;
      const path = pointer('edges', index, 'map', place);
      const given = this.#schemaOfSource(edge, source.segments);
      const wanted = schemaAt(input, target.segments);
      this.#compare(given, wanted, path, edge, `'${text}'`);
    }
  }

  #compare(given: Schema, wanted: Schema, path: string, edge: PlanEdge, what: string): void {
    if (given === undefined || wanted === undefined) return;
    const why = misfit(given, wanted);
    if (why === undefined) return;
    this.#findings.block({
      code: 'schema-misfit',
      message: `'${edge.target}' can never take ${what}: ${why}`,
      path,
      node: edge.target,
      hint: 'Change the schema of one end, or map or transform the value',
    });
  }

  #schemaOfSource(edge: PlanEdge, segments: readonly PathSegment[]): Schema {
    const [root, id, member, ...rest] = segments;
    const below = segments.slice(1);
    switch (root) {
      case 'inputs':
        return this.#at(this.#resolve(this.#sources.inputs), below);
      case 'output':
        return edge.transform === undefined
          ? this.#at(this.#outputOf(edge.source), below)
          : undefined;
      case 'nodes':
        return member === 'output' ? this.#at(this.#outputOf(String(id)), rest) : undefined;
      default:
        return undefined;
    }
  }

  #at(schema: Schema, segments: readonly PathSegment[]): Schema {
    return schema === undefined ? undefined : schemaAt(schema, segments);
  }

  #outputOf(id: string): Schema {
    const node = this.#node(id);
    if (node === undefined) return undefined;
    if (node.kind === 'map') return { type: 'array' };
    if (node.kind === 'loop') return { type: 'object' };
    return this.#resolve(outputSchemaOf(node));
  }

  #resolve(reference: SchemaReference | undefined): Schema {
    return resolveSchema(reference, this.#sources.named);
  }

  #node(id: string): PlanNode | undefined {
    const position = this.#topology.positionOf.get(id);
    return position === undefined ? undefined : this.#topology.nodes[position]?.node;
  }

  #inboundOf(id: string): number {
    const { positionOf, adjacency } = this.#topology;
    const position = positionOf.get(id) ?? 0;
    return (adjacency.inStart[position + 1] ?? 0) - (adjacency.inStart[position] ?? 0);
  }
}
