/** Maps: one node run per item, or chunk of items, so many at a time; their results in the order of the items. */
import { isFinal } from '../../machines/statuses.js';
import type { JsonValue } from '../../plan/json.js';
import { endInFailure } from './attempts.js';
import type { Decider } from './decider.js';
import { failure } from './failure.js';
import { inputRefusal } from './node-input.js';
import type { NodeRun, Scope } from './scope.js';
import { itemsOf, itemsScope } from './scope-of-host.js';

/** Largest output of a map, in characters of JSON. */
const MAX_OUTPUT_LENGTH = 64 * 1024 * 1024;
const MAX_NAMED_FAILURES = 100;

export function beginMap(decider: Decider, host: NodeRun): void {
  const { model, turn } = decider;
  decider.step(host, { type: 'inside.begun' });
  const items = itemsOf(host, model.scopeOf(host));
  if (!items.ok) {
    return endInFailure(decider, host, failure('input', items.code, items.message, false));
  }
  const scope = model.addScope({ ...itemsScope(host, items.value), host });
  host.inside = scope.path;
  decider.touch(host);
  host.seq = turn.event('map.started', host.path, null, { items: items.value.length });
  model.noteSettled(scope);
}

/** An item is final, or the turn had no room for more of them: goes on with the next, or ends the map. */
export function continueMap(decider: Decider, host: NodeRun, scope: Scope): void {
  if (admitItems(decider, host, scope)) return;
  if (scope.isSettled) endMap(decider, host, scope, scope.progress.count('failed'));
}

/** Makes items ready while there is room; false where none is left and none is at work. */
function admitItems(decider: Decider, host: NodeRun, scope: Scope): boolean {
  const { model } = decider;
  const { progress, graph } = scope;
  const size = graph.nodes.length;
  const limit = Math.min(host.node.map?.concurrency ?? size, model.record.concurrency);
  const items = host.items ?? [];
  for (;;) {
    const next = size - progress.count('pending');
    const atWork = progress.unfinished - progress.count('pending');
    if (next >= size) return atWork > 0;
    if (atWork >= limit) return true;
    if (decider.isFull) {
      model.noteSettled(scope);
      return true;
    }
    beginItem(decider, scope.at(next), items[next]);
    // An item that is refused may end the map.
    if (scope.aborted !== undefined) return true;
  }
}

function beginItem(decider: Decider, run: NodeRun, item: JsonValue | undefined): void {
  const reason = inputRefusal(run, item);
  if (reason !== undefined) {
    decider.step(run, { type: 'inputs.refused', reason });
    return;
  }
  run.setInput(item);
  decider.step(run, { type: 'inputs.resolved' });
  decider.begin(run);
}

function failuresOf(scope: Scope): NodeRun[] {
  return [...scope.touchedRuns()]
    .filter((run) => run.status === 'failed')
    .sort((a, b) => a.position - b.position);
}

function endMap(decider: Decider, host: NodeRun, scope: Scope, failures: number): void {
  const { turn, model } = decider;
  const total = scope.graph.nodes.length;
  const gathered = gather(host, scope);
  turn.event('map.ended', host.path, null, { items: total, failed: failures });
  const named = failuresOf(scope).slice(0, MAX_NAMED_FAILURES);
  const detail: JsonValue = {
    failed: failures,
    items: named.map(({ position, reason }) => ({
      item: position,
      code: reason?.code ?? '',
      message: reason?.message ?? '',
    })),
  };
  model.closeScope(scope);
  host.inside = null;
  host.items = undefined;
  if (gathered === undefined) {
    const message = `the results have more than ${MAX_OUTPUT_LENGTH} characters of JSON`;
    return endInFailure(decider, host, failure('schema', 'output-too-large', message, false));
  }
  host.setOutput(gathered.value, gathered.json);
  const share = total === 0 ? 1 : (total - failures) / total;
  const message = `${failures} of ${total} items failed`;
  if (share < (host.node.map?.minSuccess ?? 0)) {
    const reason = failure('item', 'too-few-items', message, false);
    return endInFailure(decider, host, { ...reason, detail });
  }
  if (failures === 0) {
    decider.step(host, { type: 'inside.over', warnings: 0 });
    return;
  }
  const reason = { code: 'items-failed', message, class: 'item', detail };
  decider.step(host, { type: 'inside.over', warnings: failures, reason });
}

/** Results in the order of the items, null where one failed; undefined where they are too large. */
function gather(
  host: NodeRun,
  scope: Scope,
): { readonly value: JsonValue[]; readonly json: string } | undefined {
  const isChunked = host.node.map?.chunkSize !== undefined;
  const value: JsonValue[] = [];
  let length = 0;
  for (let position = 0; position < scope.graph.nodes.length; position++) {
    const run = scope.touched(position);
    length += run?.outputJson?.length ?? 4;
    if (length > MAX_OUTPUT_LENGTH) return undefined;
    const isGood = run !== undefined && isFinal(run.status) && run.status !== 'failed';
    const output = isGood ? (run.output ?? null) : null;
    if (!isChunked) value.push(output);
    else value.push(...resultsOfChunk(output, host.items?.[position]));
  }
  return { value, json: JSON.stringify(value) };
}

/** One result for each item of a chunk, null where the chunk failed. */
function resultsOfChunk(output: JsonValue, chunk: JsonValue | undefined): JsonValue[] {
  if (Array.isArray(output)) return output;
  return Array.isArray(chunk) ? chunk.map(() => null) : [];
}
