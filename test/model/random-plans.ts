/** Random valid plans of all kinds of nodes, and scripts of what happens to a run of them. */
import fc from 'fast-check';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import type { JsonObject, JsonValue } from '../../src/plan/json.js';
import type { PlanVersion } from '../../src/plan/plan-version.js';
import type { Ending } from './reference.js';

/** What a handler does, and what that amounts to. */
export interface ScriptedEnd {
  readonly does: { readonly returns: unknown } | { readonly throws: unknown };
  readonly ending: Ending;
}

export interface ScriptedResponse {
  readonly response: JsonObject;
  readonly outcome: string;
}

export interface Script {
  readonly input: JsonValue;
  readonly concurrency: number;
  /** End of each try of each action; the last one repeats. */
  readonly ends: Readonly<Record<string, readonly ScriptedEnd[]>>;
  readonly responses: Readonly<Record<string, ScriptedResponse>>;
  /** Which of the open things ends next, step by step; modulo their number. */
  readonly choices: readonly number[];
  /** Step at which the run is cancelled. */
  readonly cancelAt: number | undefined;
}

export interface RandomRun {
  readonly draft: JsonObject;
  readonly script: Script;
}

/** Number of random plans per property. */
export const RANDOM_PLANS = Number(process.env.RUNCHART_MODEL_PLANS ?? 1_000);

export function compiledDraft({ draft }: RandomRun): PlanVersion {
  return compilePlanOrThrow(draft);
}

export function scriptedEnd(script: Script, node: string, failedTries: number): ScriptedEnd {
  const ends = script.ends[node] ?? [];
  const end = ends[Math.min(failedTries, ends.length - 1)];
  if (end === undefined) throw new Error(`the script does not say how "${node}" ends`);
  return end;
}

export function scriptedResponse(script: Script, node: string): ScriptedResponse {
  const response = script.responses[node];
  if (response === undefined) throw new Error(`the script does not answer "${node}"`);
  return response;
}

// Nodes --------------------------------------------------------------------------------------

const rarely = (weight: number) =>
  fc.oneof(
    { weight: 100 - weight, arbitrary: fc.constant(false) },
    { weight, arbitrary: fc.constant(true) },
  );

const onFailure = fc.constantFrom('abort', 'skip', 'skip', 'continue', 'continue');

const nodeShape = fc.record({
  kind: fc.constantFrom('action', 'action', 'action', 'human-approval', 'switch', 'join', 'join'),
  onFailure,
  hasDefault: fc.boolean(),
  maxAttempts: fc.constantFrom(1, 1, 2, 3),
  retryOn: fc.constantFrom(undefined, undefined, ['exception'], ['schema']),
  mode: fc.constantFrom('exclusive', 'inclusive'),
  rule: fc.constantFrom('all', 'all', 'any', 1, 2, 3),
  onInputFailure: fc.constantFrom('fail', 'ignore', 'ignore'),
  mergeInputs: fc.constantFrom('error', 'first', 'last', 'last'),
  isPicky: rarely(6),
});
type NodeShape = typeof nodeShape extends fc.Arbitrary<infer T> ? T : never;

function nodeDraft(id: string, shape: NodeShape, inbound: number): JsonObject {
  const { mergeInputs } = shape;
  const inputSchema: JsonObject = { type: 'object' };
  const common = { id, mergeInputs, ...(shape.isPicky && { inputSchema }) };
  const policy = {
    onFailure: shape.onFailure,
    ...(shape.hasDefault && { defaultOutput: { v: 3 } }),
  };
  switch (inbound === 0 && shape.kind === 'join' ? 'action' : shape.kind) {
    case 'human-approval':
      return { kind: 'human-approval', ...common, ...policy };
    case 'switch':
      return { kind: 'switch', ...common, mode: shape.mode, onFailure: shape.onFailure };
    case 'join': {
      const { rule } = shape;
      const onFailure = shape.onInputFailure;
      if (typeof rule === 'string') return { kind: 'join', ...common, rule, onFailure };
      return { kind: 'join', ...common, rule: { count: Math.min(rule, inbound) }, onFailure };
    }
    default: {
      const { maxAttempts, retryOn } = shape;
      const retry: JsonObject = { maxAttempts, ...(retryOn && { retryOn: [...retryOn] }) };
      return { kind: 'action', handler: 'work', ...common, ...policy, retry };
    }
  }
}

// Edges --------------------------------------------------------------------------------------

/** `@` stands for the id of some node. */
const CONDITIONS = [
  'always',
  '',
  'output.v > 2',
  'output.v < 4',
  'output.v == 3',
  'has(output.v) && output.v > 1',
  'inputs.flag',
  '!inputs.flag || output.v >= 0',
  'outcome == "approved"',
  'outcome != "approved"',
  'outcome == "changes-requested"',
  'has(nodes["@"].output) && nodes["@"].output != 1',
  'nodes["@"].outcome == "rejected"',
  'nodes["@"].output.v > 2',
  'output.missing > 1',
  'output.v',
] as const;

const SOURCES = ['output', 'output.v', 'input.v', 'inputs.flag', 'nodes["@"].output', 'outcome'];
const TARGETS = ['a', 'b', 'b.c', 'd'];

const edgeShape = fc.record({
  source: fc.nat(),
  guard: fc.constantFrom(
    'none',
    'none',
    'none',
    'none',
    'when',
    'when',
    'on',
    'default',
    'when-on',
  ),
  condition: fc.constantFrom(...CONDITIONS),
  named: fc.nat(),
  on: fc.constantFrom('go', 'stay'),
  onError: fc.constantFrom('dead', 'dead', 'dead', 'fail'),
  map: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    {
      weight: 2,
      arbitrary: fc.record({ from: fc.constantFrom(...SOURCES), to: fc.constantFrom(...TARGETS) }),
    },
  ),
});
type EdgeShape = typeof edgeShape extends fc.Arbitrary<infer T> ? T : never;

class EdgeDrafts {
  readonly list: JsonObject[] = [];
  readonly #withDefault = new Set<string>();
  readonly #names: readonly string[];

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  add(source: string, target: string, shape: EdgeShape): void {
    const name = this.#names[shape.named % this.#names.length] ?? source;
    const map = shape.map && { [shape.map.to]: shape.map.from.replaceAll('@', name) };
    this.list.push({ source, target, ...this.#guard(source, name, shape), ...(map && { map }) });
  }

  #guard(source: string, name: string, shape: EdgeShape): JsonObject {
    const when = { when: shape.condition.replaceAll('@', name), onError: shape.onError };
    switch (shape.guard) {
      case 'when':
        return when;
      case 'on':
        return { on: shape.on };
      case 'when-on':
        return { on: shape.on, ...when };
      case 'default':
        if (this.#withDefault.has(source)) return {};
        this.#withDefault.add(source);
        return { default: true };
      default:
        return {};
    }
  }
}

// Scripts ------------------------------------------------------------------------------------

const outputs = fc.oneof(
  fc.nat(5).map((v): JsonValue => ({ v })),
  fc.constantFrom<JsonValue | undefined>(undefined, 1, 'text', null, [1, 2]),
);

const scriptedEnds: fc.Arbitrary<ScriptedEnd> = fc.oneof(
  {
    weight: 6,
    arbitrary: outputs.map(
      (output): ScriptedEnd => ({
        does: { returns: output },
        ending: { ok: true, output },
      }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(outputs, fc.constantFrom('go', 'stay')).map(
      ([output, action]): ScriptedEnd => ({
        does: { returns: { ok: true, action, ...(output !== undefined && { output }) } },
        ending: { ok: true, output, action },
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.boolean().map(
      (retryable): ScriptedEnd => ({
        does: { throws: Object.assign(new Error('thrown'), { retryable }) },
        ending: { ok: false, class: 'exception', retryable },
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<ScriptedEnd>(
      {
        does: { returns: { ok: false, error: 'refused' } },
        ending: { ok: false, class: 'exception', retryable: true },
      },
      {
        does: { returns: { big: 1n } },
        ending: { ok: false, class: 'not-json', retryable: false },
      },
    ),
  },
);

const scriptedResponses = fc.constantFrom<ScriptedResponse>(
  { response: { approved: true }, outcome: 'approved' },
  { response: { approved: true, v: 4 }, outcome: 'approved' },
  { response: { approved: false }, outcome: 'rejected' },
  { response: { approved: true, requiredEdits: ['tone'] }, outcome: 'changes-requested' },
);

const CHOICES = 120;

// Whole runs ---------------------------------------------------------------------------------

export interface RandomRunOptions {
  readonly maxNodes?: number;
  /** Fixes the number of handlers that may work at the same time. */
  readonly concurrency?: number;
  readonly neverCancelled?: boolean;
  readonly maxInterruptions?: number;
}

/** A plan whose edges lead forward in a hidden order, its nodes authored in another. */
export function randomRuns(options: RandomRunOptions = {}): fc.Arbitrary<RandomRun> {
  return fc.integer({ min: 5, max: options.maxNodes ?? 25 }).chain((size) =>
    fc
      .record({
        shapes: fc.array(nodeShape, { minLength: size, maxLength: size }),
        inbound: fc.array(fc.array(edgeShape, { maxLength: 3 }), {
          minLength: size,
          maxLength: size,
        }),
        authored: fc.shuffledSubarray([...Array(size).keys()], { minLength: size }),
        flag: fc.boolean(),
        concurrency: fc.constantFrom(1, 2, 3, 100),
        ends: fc.array(fc.array(scriptedEnds, { minLength: 3, maxLength: 3 }), {
          minLength: size,
          maxLength: size,
        }),
        responses: fc.array(scriptedResponses, { minLength: size, maxLength: size }),
        choices: fc.array(fc.nat(30), { minLength: CHOICES, maxLength: CHOICES }),
        cancelAt: fc.oneof(
          { weight: 5, arbitrary: fc.constant(undefined) },
          { weight: 1, arbitrary: fc.nat(size) },
        ),
      })
      .map((parts) => assemble(parts, options)),
  );
}

interface Parts {
  readonly shapes: readonly NodeShape[];
  readonly inbound: readonly (readonly EdgeShape[])[];
  readonly authored: readonly number[];
  readonly flag: boolean;
  readonly concurrency: number;
  readonly ends: readonly (readonly ScriptedEnd[])[];
  readonly responses: readonly ScriptedResponse[];
  readonly choices: readonly number[];
  readonly cancelAt: number | undefined;
}

function assemble(parts: Parts, options: RandomRunOptions): RandomRun {
  const ids = parts.shapes.map((_, i) => `n${i}`);
  const edges = new EdgeDrafts(ids);
  parts.inbound.forEach((shapes, target) => {
    if (target === 0) return;
    for (const shape of shapes) edges.add(`n${shape.source % target}`, `n${target}`, shape);
  });
  const inbound = (id: string) => edges.list.filter((edge) => edge.target === id).length;
  const nodes = parts.authored.map((i) => {
    const node = nodeDraft(`n${i}`, parts.shapes[i] as NodeShape, inbound(`n${i}`));
    const { maxInterruptions } = options;
    if (node.kind !== 'action' || maxInterruptions === undefined) return node;
    return { ...node, retry: { ...(node.retry as JsonObject), maxInterruptions } };
  });
  return {
    draft: { title: 'Random', nodes, edges: edges.list },
    script: {
      input: { flag: parts.flag },
      concurrency: options.concurrency ?? parts.concurrency,
      ends: Object.fromEntries(ids.map((id, i) => [id, parts.ends[i] ?? []])),
      responses: Object.fromEntries(
        ids.map((id, i) => [id, parts.responses[i] as ScriptedResponse]),
      ),
      choices: parts.choices,
      cancelAt: options.neverCancelled ? undefined : parts.cancelAt,
    },
  };
}
