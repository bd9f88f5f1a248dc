/**
 * From a draft to a plan version. All faults are reported at once; what compiles is immutable and
 * known by the hash of its content as written, without defaults.
 */
import { RunchartError } from '../errors.js';
import { canonicalJson, contentHash } from './canonical.js';
import { assembleGraph, compileGraph } from './compile-graph.js';
import { CEL, type Evaluator, type Evaluators, UNEVALUATED } from './evaluator.js';
import { reportFault, reportUnknownNodes } from './expression-findings.js';
import { parseExpression } from './expressions.js';
import { Findings, type Reporter } from './findings.js';
import { deepFreeze } from './freeze.js';
import type { GraphParts } from './graph-parts.js';
import { formatIssues, type Issue } from './issue.js';
import { isJsonObject, type JsonObject } from './json.js';
import { toJsonValue } from './json-values.js';
import type { Expression, PlanVersion, ValueValidator } from './plan-version.js';
import { pointer } from './pointer.js';
import { sanitizePlan } from './sanitize.js';
import type { Plan } from './schema.js';
import { outlinePlan, type PlanOutline } from './shape.js';
import { hasSteps, issueOfStep, planFromSteps } from './steps.js';
import { type NamedPlans, namedPlans } from './subplans.js';
import { didYouMean } from './suggest.js';
import { ValueSchemas } from './value-schemas.js';

/** What a draft compiled to: a plan version, or the issues that refuse it. */
export type CompileResult =
  | { readonly ok: true; readonly version: PlanVersion }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** A plan that cannot run; `issues` has all findings. */
export class PlanInvalidError extends RunchartError {
  constructor(issues: readonly Issue[]) {
    super('plan-invalid', formatIssues(issues), { issues });
  }
}

const MAX_PLAN_BYTES = 64 * 1024 * 1024;
const MAX_PLAN_DEPTH = 128;

/** What a plan is compiled with. */
export interface CompileOptions {
  /** Of languages beside CEL. */
  readonly evaluators?: Evaluators | undefined;
}

/** Compiles a draft: nodes and edges, or the flat list of steps. Never throws. */
export function compilePlan(draft: unknown, options: CompileOptions = {}): CompileResult {
  const findings = new Findings();
  const json = toJsonValue(draft, {
    maxBytes: MAX_PLAN_BYTES,
    maxDepth: MAX_PLAN_DEPTH,
    omitUndefined: true,
  });
  if (!json.ok) {
    const { code, message, path } = json;
    findings.block({ code, message, path });
  } else if (!isJsonObject(json.value)) {
    findings.block({ code: 'wrong-type', message: 'A plan is an object', path: '' });
  } else if (hasSteps(json.value)) {
    return withStepPaths(compileDraft(planFromSteps(json.value), findings, options));
  } else {
    return compileDraft(json.value, findings, options);
  }
  return { ok: false, issues: findings.list() };
}

/** As `compilePlan`; throws a PlanInvalidError instead of returning issues. */
export function compilePlanOrThrow(draft: unknown, options: CompileOptions = {}): PlanVersion {
  const result = compilePlan(draft, options);
  if (!result.ok) throw new PlanInvalidError(result.issues);
  return result.version;
}

function withStepPaths(result: CompileResult): CompileResult {
  if (!result.ok) return { ok: false, issues: result.issues.map(issueOfStep) };
  const { version } = result;
  const warnings = version.warnings.map(issueOfStep);
  return { ok: true, version: Object.freeze({ ...version, warnings }) };
}

function compileDraft(
  draft: JsonObject,
  findings: Findings,
  options: CompileOptions,
): CompileResult {
  const sanitized = sanitizePlan(draft, findings);
  const outline = outlinePlan(sanitized, findings);
  const named = namedPlans(outline.plans);
  const parts = compileParts(outline, { named, name: undefined, options }, findings);
  for (const [name, plan] of Object.entries(outline.plans)) {
    const within = findings.within(pointer('plans', name));
    if (!isJsonObject(plan)) {
      within.block({ code: 'wrong-type', message: 'A plan is an object', path: '' });
    } else compileParts(outlinePlan(plan, within), { named, name, options }, within);
  }
  if (findings.blocked) return { ok: false, issues: findings.list() };

  const text = canonicalJson(sanitized);
  // Rebuilt from the canonical text: nothing afterwards can depend on the order of keys.
  const plan = deepFreeze(JSON.parse(text) as Plan);
  return {
    ok: true,
    version: Object.freeze({
      hash: contentHash(text),
      plan,
      graph: assembleGraph(plan.nodes, plan.edges, parts.graph, plan.schemas ?? {}),
      validateInputs: parts.validateInputs,
      result: parts.result,
      warnings: findings.list(),
    }),
  };
}

interface PlanParts {
  readonly graph: GraphParts;
  readonly validateInputs: ValueValidator | undefined;
  readonly result: Expression | undefined;
}

interface Surroundings {
  readonly named: NamedPlans;
  /** Of the plan among the plans of its parent. */
  readonly name: string | undefined;
  readonly options: CompileOptions;
}

function compileParts(
  outline: PlanOutline,
  { named, name, options }: Surroundings,
  findings: Reporter,
): PlanParts {
  const evaluator = evaluatorOf(outline, options, findings);
  const schemas = new ValueSchemas(findings);
  schemas.addNamed(outline.schemas);
  const graph = compileGraph(
    outline,
    {
      schemas,
      named: outline.schemas,
      inputs: outline.inputs,
      base: '',
      enclosing: new Set(),
      evaluator,
      plans: new Map(
        [...named].map(([key, uses]) => [
          key,
          { isRecursive: name !== undefined && uses.has(name) },
        ]),
      ),
    },
    findings,
  );
  return {
    graph,
    validateInputs: schemas.resolve(outline.inputs, '/inputs'),
    result: compileResult(outline, graph, evaluator, findings),
  };
}

/** Undefined for CEL; of an unknown language, one that takes whatever is written. */
function evaluatorOf(
  { language = CEL }: PlanOutline,
  { evaluators = {} }: CompileOptions,
  findings: Reporter,
): Evaluator | undefined {
  if (language === CEL) return undefined;
  const isTable = typeof evaluators !== 'function';
  const found = isTable
    ? Object.entries(evaluators).find(([name]) => name === language)?.[1]
    : evaluators(language);
  if (found !== undefined) return found;
  findings.block({
    code: 'unknown-language',
    message: `There is no evaluator for '${language}'`,
    path: '/language',
    hint: didYouMean(language, [CEL, ...(isTable ? Object.keys(evaluators) : [])]),
  });
  return UNEVALUATED;
}

function compileResult(
  { result: text }: PlanOutline,
  { topology }: GraphParts,
  evaluator: Evaluator | undefined,
  findings: Reporter,
): Expression | undefined {
  if (text === undefined) return undefined;
  const written = { text, path: '/result' };
  const result = parseExpression(text, evaluator);
  if (!result.ok) {
    reportFault(written, result.fault, findings);
    return undefined;
  }
  reportUnknownNodes(written, result, topology, (id) => topology.positionOf.has(id), findings);
  return result.expression;
}
