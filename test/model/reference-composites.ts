/** Loops and maps of the reference. */
import type { JsonObject, JsonValue } from '../../src/plan/json.js';
import type { Condition, EdgeScope, Evaluation } from '../../src/plan/plan-version.js';
import type { Reference } from './reference.js';
import { lastOutputs, lookup, type ModelRun, ModelScope, valuesFor } from './reference-scopes.js';

/** Something follows for the host from how the scope inside it stands. */
export function isInsideDue(reference: Reference, scope: ModelScope): boolean {
  const { host } = scope;
  if (host === undefined) return false;
  const isCalledOff = host.isFinal || host.phase === 'stopping' || scope.aborted !== undefined;
  if (isCalledOff || scope.kind === 'iteration') return scope.isOver;
  return nextItem(reference, scope) !== undefined || scope.isOver;
}

export function afterInside(reference: Reference, scope: ModelScope): void {
  const host = scope.host as ModelRun;
  if (host.isFinal || host.phase === 'stopping') return reference.close(scope);
  if (scope.aborted !== undefined) {
    reference.close(scope);
    return failHost(reference, host, scope.aborted);
  }
  if (scope.kind === 'iteration') return afterIteration(reference, scope, host);
  const next = nextItem(reference, scope);
  if (next === undefined) endMap(reference, scope, host);
  else beginItem(reference, next);
}

/** What lies inside a later generation has paths of its own. */
function baseOf({ path, generation }: ModelRun): string {
  return generation === 1 ? path : `${path}#${generation}`;
}

function failHost(reference: Reference, host: ModelRun, failureClass: string): void {
  reference.fail(host, { ok: false, class: failureClass, retryable: false });
}

function open(reference: Reference, scope: ModelScope): void {
  const { host } = scope;
  if (host !== undefined) host.inside = scope;
  reference.scopes.push(scope);
}

// Maps ---------------------------------------------------------------------------------------

export function beginMap(reference: Reference, host: ModelRun): void {
  const { map } = host.node;
  reference.host(host);
  const listed = itemsOf(map?.items, host, reference);
  if (map === undefined || listed === undefined) return failHost(reference, host, 'input');
  host.items = map.chunkSize === undefined ? listed : chunksOf(listed, map.chunkSize);
  const nodes = host.items.map(() => map.worker);
  open(reference, new ModelScope({ path: `${baseOf(host)}[]`, kind: 'items', nodes, host }));
}

function itemsOf(
  expression: { evaluate(scope: EdgeScope): Evaluated } | undefined,
  host: ModelRun,
  { inputs }: Reference,
): readonly JsonValue[] | undefined {
  const result = expression?.evaluate(valuesFor(host, inputs)) ?? { ok: true, value: host.input };
  return result.ok && Array.isArray(result.value) ? result.value : undefined;
}

type Evaluated = { readonly ok: true; readonly value: JsonValue } | { readonly ok: false };

function chunksOf(items: readonly JsonValue[], size: number): JsonValue[] {
  return items.flatMap((_, i) => (i % size === 0 ? [items.slice(i, i + size) as JsonValue] : []));
}

/** The next item, while there is room for it. */
function nextItem({ concurrency }: Reference, { runs, host }: ModelScope): ModelRun | undefined {
  const atWork = runs.filter((run) => run.status !== 'pending' && !run.isFinal).length;
  const limit = Math.min(host?.node.map?.concurrency ?? runs.length, concurrency);
  return atWork < limit ? runs.find((run) => run.status === 'pending') : undefined;
}

function beginItem(reference: Reference, run: ModelRun): void {
  const item = run.scope.host?.items[run.position];
  if ((run.node.validateInput?.(item) ?? []).length > 0) {
    run.failure = 'input';
    return reference.end(run, 'failed');
  }
  run.input = item;
  reference.set(run, 'ready');
  reference.begin(run);
}

function endMap(reference: Reference, scope: ModelScope, host: ModelRun): void {
  const { map } = host.node;
  const results = scope.runs.flatMap(({ output, position, status }): JsonValue[] => {
    const result = status === 'completed' || status === 'partial' ? (output ?? null) : null;
    if (map?.chunkSize === undefined) return [result];
    if (Array.isArray(result)) return result;
    const chunk = host.items[position];
    return Array.isArray(chunk) ? chunk.map(() => null) : [];
  });
  const failures = scope.count('failed');
  const total = scope.runs.length;
  reference.close(scope);
  if (total > 0 && (total - failures) / total < (map?.minSuccess ?? 0)) {
    return failHost(reference, host, 'item');
  }
  reference.end(host, failures > 0 ? 'partial' : 'completed', results);
}

// Loops --------------------------------------------------------------------------------------

export function beginLoop(reference: Reference, host: ModelRun): void {
  host.iterations = 0;
  host.last = undefined;
  host.wasPartial = false;
  reference.host(host);
  beginIteration(reference, host);
}

function beginIteration(reference: Reference, host: ModelRun): void {
  const { loop } = host.node;
  if (loop === undefined) throw new Error(`${host.path} is no loop`);
  const iteration = host.iterations + 1;
  const around = valuesFor(host, reference.inputs);
  const items = loop.forEach && itemsOf(loop.forEach, host, reference);
  if (loop.forEach !== undefined) {
    if (items === undefined) return failHost(reference, host, 'condition');
    if (iteration > items.length) return endLoop(reference, host, 'done');
  }
  if (iteration > loop.maxIterations) return endLoop(reference, host, 'max');
  const item = items?.[iteration - 1];
  const own: JsonObject = {
    iteration,
    index: iteration - 1,
    ...(host.input !== undefined && { input: host.input }),
    ...(item !== undefined && { item }),
    ...(host.last !== undefined && { previous: host.last }),
  };
  const isWanted = ask(loop.while, { ...around, loop: own }, true);
  if (!isWanted.ok) return failHost(reference, host, 'condition');
  if (!isWanted.value) return endLoop(reference, host, 'while');
  const { nodes, edges } = loop.body;
  const path = `${baseOf(host)}[${iteration}]`;
  open(reference, new ModelScope({ path, kind: 'iteration', nodes, edges, host, loop: own }));
}

function afterIteration(reference: Reference, scope: ModelScope, host: ModelRun): void {
  const { loop } = host.node;
  const around = valuesFor(host, reference.inputs);
  const inside = { ...around, output: undefined, loop: scope.loop, node: lookup(scope) };
  const result = loop?.result?.evaluate(inside) ?? { ok: true, value: lastOutputs(scope) };
  const isBroken = scope.byId('$break')?.status === 'completed';
  const isEnough = isBroken ? { ok: true, value: false } : ask(loop?.until, inside, false);
  reference.close(scope);
  if (!result.ok || !isEnough.ok) return failHost(reference, host, 'condition');
  host.iterations += 1;
  host.last = result.value;
  host.wasPartial ||= scope.count('partial') + scope.count('failed') > 0;
  if (isBroken) return endLoop(reference, host, 'break');
  if ('value' in isEnough && isEnough.value) return endLoop(reference, host, 'until');
  beginIteration(reference, host);
}

function ask(
  condition: Condition | undefined,
  values: EdgeScope,
  otherwise: boolean,
): Evaluation<boolean> {
  return condition?.evaluate(values) ?? { ok: true, value: otherwise };
}

function endLoop(reference: Reference, host: ModelRun, exit: string): void {
  const { iterations, last } = host;
  const output = { exit, iterations, ...(last !== undefined && { last }) };
  reference.end(host, host.wasPartial ? 'partial' : 'completed', output);
}
