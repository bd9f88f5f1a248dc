/** Compiles and checks what a node says beside its shape: handlers, schemas, expressions, policies, bodies. */
import { checkFailureSettings } from './check-failure.js';
import { checkPeople } from './check-people.js';
import { compileCompletion } from './compile-completion.js';
import type { Facts } from './condition-syntax.js';
import { parseCondition, parseCountCondition } from './conditions.js';
import { BREAK } from './edge-schema.js';
import { reportFault, reportUnknownNodes, type WrittenExpression } from './expression-findings.js';
import { parseExpression } from './expressions.js';
import type { Reporter } from './findings.js';
import {
  type GraphParts,
  type HumanParts,
  type NodeContext,
  type NodeParts,
  nodesOfBody,
} from './graph-parts.js';
import type { HumanNode } from './human-schemas.js';
import type { PlanBody, PlanNode } from './node-schemas.js';
import { handlerOf, inputSchemaOf, outputSchemaOf } from './node-settings.js';
import type { Condition, CountCondition, Expression, ValueValidator } from './plan-version.js';
import { pointer } from './pointer.js';
import type { SchemaReference } from './schema.js';
import { type NodeOutline, outlineBody } from './shape.js';
import { didYouMean } from './suggest.js';
import type { Topology } from './topology.js';

/** How deep loops may lie in each other. */
const MAX_LOOP_DEPTH = 8;

export function compileNode(
  outline: NodeOutline,
  topology: Topology,
  context: NodeContext,
  findings: Reporter,
): NodeParts {
  const { node } = outline;
  if (node === undefined) return {};
  if (node.id !== BREAK && context.enclosing.has(node.id)) reportShadowing(outline, findings);
  checkFailureSettings(outline, node, topology, findings);
  if (node.kind === 'action' && node.compensate !== undefined && context.base !== '') {
    findings.block({
      code: 'compensation-in-loop',
      message: `'${node.id}' lies in a loop, where nothing is undone`,
      path: pointer('nodes', outline.index, 'compensate'),
      node: node.id,
      hint: 'Compensate the loop as a whole, in a node of the plan after it',
    });
  }
  return new NodeCompiler(outline, topology, context, findings).compile(node);
}

function reportShadowing({ id, index }: NodeOutline, findings: Reporter): void {
  findings.block({
    code: 'duplicate-node-id',
    message: `'${id}' is the id of a node around this loop as well`,
    path: pointer('nodes', index, 'id'),
    node: id,
  });
}

class NodeCompiler {
  readonly #outline: NodeOutline;
  readonly #topology: Topology;
  readonly #context: NodeContext;
  readonly #findings: Reporter;

  constructor(outline: NodeOutline, topology: Topology, context: NodeContext, findings: Reporter) {
    this.#outline = outline;
    this.#topology = topology;
    this.#context = context;
    this.#findings = findings;
  }

  compile(node: PlanNode): NodeParts {
    const common: NodeParts = {
      validateInput: this.#schema(inputSchemaOf(node), 'inputSchema'),
      validateOutput: this.#schema(outputSchemaOf(node), 'outputSchema'),
      ...this.#completion(node),
    };
    switch (node.kind) {
      case 'action':
        return { ...common, ...this.#worker(node) };
      case 'map':
        return {
          ...common,
          ...this.#worker(node),
          validateItem: this.#schema(node.inputSchema, 'inputSchema'),
          validateResult: this.#schema(node.outputSchema, 'outputSchema'),
          items: this.#expression(node.items, ['items']),
        };
      case 'join':
        return { ...common, joinCondition: this.#joinCondition(node) };
      case 'sleep':
        return { ...common, sleepUntil: this.#sleepUntil(node) };
      case 'loop':
        return { ...common, ...this.#loop(node) };
      case 'subplan':
        this.#checkSubplan(node);
        return common;
      case 'human-input':
      case 'human-approval':
      case 'human-review-edit':
      case 'human-decision':
        return { ...common, human: this.#human(node, common.validateOutput) };
      default:
        return common;
    }
  }

  #at(...segments: readonly (string | number)[]): string {
    return pointer('nodes', this.#outline.index, ...segments);
  }

  #schema(reference: SchemaReference | undefined, property: string): ValueValidator | undefined {
    const path = this.#context.base + this.#at(property);
    return this.#context.schemas.resolve(reference, path, this.#outline.id);
  }

  #completion(node: PlanNode): NodeParts {
    return compileCompletion(node, {
      findings: this.#findings,
      context: this.#context,
      path: this.#at(),
      written: (text, at) => this.#written(text, at),
      checkReferences: (written, facts) => this.#checkReferences(written, facts, undefined),
      expression: (text, at) => this.#expression(text, at),
    });
  }

  #worker(node: Extract<PlanNode, { kind: 'action' | 'map' }>): NodeParts {
    const handler = handlerOf(node);
    if (handler === undefined) {
      this.#findings.block({
        code: 'handler-missing-key',
        message: `The ${node.kind} '${node.id}' names neither a handler nor an owner`,
        path: this.#at(),
        node: node.id,
        hint: 'Add `handler`, or `owner` with executorType and ref',
      });
    }
    const key = node.concurrencyKey?.key;
    return { handler, concurrencyKey: this.#expression(key, ['concurrencyKey', 'key']) };
  }

  #human(node: HumanNode, validateOutput: ValueValidator | undefined): HumanParts {
    const { index } = this.#outline;
    checkPeople(node, { index, topology: this.#topology, validateOutput }, this.#findings);
    const from = (value: unknown, property: string) =>
      this.#expression((value as { from?: string } | undefined)?.from, [property, 'from']);
    return {
      responders: from(node.responders, 'responders'),
      assignee: from(node.assignee, 'assignee'),
      options: 'options' in node ? from(node.options, 'options') : undefined,
      subject: 'subject' in node ? this.#expression(node.subject, ['subject']) : undefined,
    };
  }

  #joinCondition({ rule }: Extract<PlanNode, { kind: 'join' }>): CountCondition | undefined {
    if (typeof rule !== 'object' || !('when' in rule)) return undefined;
    const parsed = parseCountCondition(rule.when, this.#context.evaluator);
    if (parsed.ok) return parsed.condition;
    reportFault(this.#written(rule.when, ['rule', 'when']), parsed.fault, this.#findings);
    return undefined;
  }

  #sleepUntil(node: Extract<PlanNode, { kind: 'sleep' }>): Expression | undefined {
    if ((node.duration === undefined) === (node.until === undefined)) {
      this.#findings.block({
        code: 'sleep-without-time',
        message: `The sleep '${node.id}' needs either a duration or a time until which it lasts`,
        path: this.#at(),
        node: node.id,
        hint: 'Add `duration`, such as 5m, or `until`',
      });
    }
    return this.#expression(node.until, ['until']);
  }

  #checkSubplan(node: Extract<PlanNode, { kind: 'subplan' }>): void {
    const { plans } = this.#context;
    const named = plans.get(node.plan);
    if (named === undefined) {
      this.#findings.block({
        code: 'unknown-plan',
        message: `There is no plan named '${node.plan}'`,
        path: this.#at('plan'),
        node: node.id,
        hint: didYouMean(node.plan, plans.keys()) ?? 'Add it to `plans`',
      });
    } else if (named.isRecursive && node.maxDepth === undefined) {
      this.#findings.block({
        code: 'unbounded-recursion',
        message: `The plan '${node.plan}' contains itself without a bound`,
        path: this.#at('plan'),
        node: node.id,
        hint: 'Add `maxDepth`',
      });
    }
  }

  #loop(node: Extract<PlanNode, { kind: 'loop' }>): NodeParts {
    const body = this.#body(node.body);
    const scope = body?.topology;
    return {
      forEach: this.#expression(node.forEach, ['forEach']),
      while: this.#condition(node.while, ['while'], scope),
      until: this.#condition(node.until, ['until'], scope),
      result: this.#expression(node.result, ['result'], scope),
      body,
    };
  }

  #body(body: PlanBody): GraphParts | undefined {
    const base = this.#at('body');
    const findings = this.#findings.within(base);
    if (this.#context.base.split('/body').length > MAX_LOOP_DEPTH) {
      const message = `Loops lie more than ${MAX_LOOP_DEPTH} deep in each other`;
      findings.block({ code: 'loop-too-deep', message, path: '', node: this.#outline.id });
      return undefined;
    }
    const enclosing = new Set([...this.#context.enclosing, ...this.#topology.positionOf.keys()]);
    const outline = outlineBody({ ...body, nodes: [...nodesOfBody(body)] }, findings);
    return this.#context.compileGraph(
      outline,
      { ...this.#context, base: this.#context.base + base, enclosing },
      findings,
    );
  }

  #knows(id: string, inside: Topology | undefined): boolean {
    const isInside = inside?.positionOf.has(id) === true;
    return isInside || this.#topology.positionOf.has(id) || this.#context.enclosing.has(id);
  }

  #expression(
    text: string | undefined,
    at: readonly (string | number)[],
    inside?: Topology,
  ): Expression | undefined {
    if (text === undefined) return undefined;
    const written = this.#written(text, at);
    const result = parseExpression(text, this.#context.evaluator);
    if (!result.ok) {
      reportFault(written, result.fault, this.#findings);
      return undefined;
    }
    this.#checkReferences(written, result, inside);
    return result.expression;
  }

  #condition(
    text: string | undefined,
    at: readonly string[],
    inside: Topology | undefined,
  ): Condition | undefined {
    if (text === undefined) return undefined;
    const written = this.#written(text, at);
    const result = parseCondition(text, this.#context.evaluator);
    if (!result.ok) {
      reportFault(written, result.fault, this.#findings);
      return undefined;
    }
    if (result.parsed === undefined) return undefined;
    this.#checkReferences(written, result.parsed, inside);
    return result.parsed.condition;
  }

  #written(text: string, at: readonly (string | number)[]): WrittenExpression {
    return { text, path: this.#at(...at), node: this.#outline.id };
  }

  #checkReferences(
    written: WrittenExpression,
    facts: Pick<Facts, 'nodeOffsets'>,
    inside: Topology | undefined,
  ): void {
    const isKnown = (id: string) => this.#knows(id, inside);
    reportUnknownNodes(written, facts, this.#topology, isKnown, this.#findings);
  }
}
