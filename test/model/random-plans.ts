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

export interface ScriptedSignal {
  readonly id: string;
  readonly name: string;
  readonly payload: JsonValue;
}

/** At a step, one of the runs at work is paused, or goes on where it is. */
export interface ScriptedPause {
  readonly at: number;
  /** Which of the runs; modulo their number. */
  readonly of: number;
  /** Where it is paused it is paused once more. */
  readonly isStubborn: boolean;
}

/** Which of the possible ends and answers a node run gets follows from its path and a number. */
export interface Script {
  readonly input: JsonValue;
  readonly concurrency: number;
  readonly ends: readonly ScriptedEnd[];
  readonly responses: readonly ScriptedResponse[];
  readonly signals: readonly ScriptedSignal[];
  /** How often an operator tries a node run again that is blocked or has failed. */
  readonly retries: number;
  /** Which of the open things ends next, step by step; modulo their number. */
  readonly choices: readonly number[];
  readonly pauses: readonly ScriptedPause[];
  /** Time passes only where nothing else can happen. */
  readonly isTimeless: boolean;
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

/** How attempt number `number` of a node run ends; one that got a list returns a list. */
export function scriptedEnd(
  { ends }: Script,
  path: string,
  number: number,
  input: JsonValue | undefined,
): ScriptedEnd {
  const end = pick(ends, `${path}#${number}`);
  const { ending } = end;
  if (ending.ok && ending.adds !== undefined) {
    // What was added adds nothing, so that there is an end to it.
    if (path.includes('x')) return { does: { returns: null }, ending: { ok: true, output: null } };
    return withAdditions(ending.output ?? null, ending.adds.isBehind, path, number);
  }
  if (!ending.ok || !Array.isArray(input) || ending.output === 'text') return end;
  const { output = null, action } = ending;
  const list = input.map(() => output);
  const does =
    action === undefined ? { returns: list } : { returns: { ok: true, action, output: list } };
  return { does, ending: { ...ending, output: list } };
}

/** `kind`: that of the task. */
export function scriptedResponse(
  { responses }: Script,
  kind: string,
  path: string,
  number: number,
): ScriptedResponse {
  if (kind === 'human-approval') return pick(responses, `${path}#${number}`);
  if (kind === 'human-input') return { response: { v: number }, outcome: 'answered' };
  if (kind === 'human-decision') {
    const choice = pick(CHOICES, `${path}#${number}`);
    return { response: { choice }, outcome: choice };
  }
  if (kind === 'human-review-edit') return pick(EDITS, `${path}#${number}`);
  if (kind === 'human-check') return pick(JUDGEMENTS, `${path}#${number}`);
  const decision = number > 1 ? 'accept' : pick(DECISIONS, `${path}#${number}`);
  const response = { decision, ...(decision === 'accept' && { output: { v: 2 } }) };
  return { response, outcome: decision };
}

/** One node more, behind the adding one or beside all others; within loops and maps that is refused. */
function withAdditions(
  output: JsonValue,
  isBehind: boolean,
  path: string,
  number: number,
): ScriptedEnd {
  const id = `${path}x${number}`.replace(/[^a-z0-9]/g, '');
  const nodes = [{ kind: 'action', id, handler: 'work', retry: { maxInterruptions: 1_000 } }];
  const edges = isBehind ? [{ source: path, target: id }] : [];
  return {
    does: { returns: { ok: true, output, add: { nodes, edges } } },
    ending: { ok: true, output, adds: { isBehind, nodes, edges } },
  };
}

const JUDGEMENTS: readonly ScriptedResponse[] = [
  { response: { approved: true }, outcome: 'approved' },
  { response: { approved: false }, outcome: 'rejected' },
  { response: { approved: true, requiredEdits: ['tone'] }, outcome: 'changes-requested' },
  { response: { approved: true, requiredEdits: [' '] }, outcome: 'approved' },
];
const EDITS: readonly ScriptedResponse[] = [
  { response: { decision: 'accept' }, outcome: 'approved' },
  { response: { decision: 'accept', output: { v: 5 } }, outcome: 'approved' },
  { response: { decision: 'edit', output: { v: 6 } }, outcome: 'edited' },
  { response: { decision: 'send-back', requiredEdits: ['tone'] }, outcome: 'changes-requested' },
  { response: { decision: 'reject' }, outcome: 'rejected' },
];
const CHOICES = ['go', 'stay', 'leave'] as const;
const DECISIONS = ['accept', 'retry', 'retry', 'abort'] as const;

function pick<T>(list: readonly T[], name: string): T {
  return list[hashOf(name) % list.length] as T;
}

function hashOf(name: string): number {
  return [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 65_521, 7);
}

// Nodes --------------------------------------------------------------------------------------

const rarely = (weight: number) =>
  fc.oneof(
    { weight: 100 - weight, arbitrary: fc.constant(false) },
    { weight, arbitrary: fc.constant(true) },
  );
const sometimes = <T>(weight: number, ...values: T[]) =>
  fc.oneof(
    { weight: 100 - weight, arbitrary: fc.constant(undefined) },
    { weight, arbitrary: fc.constantFrom(...values) },
  );

type Policy = string | Readonly<Record<string, string>>;

const POLICIES: readonly Policy[] = [
  'abort',
  'skip',
  'skip',
  'continue',
  'continue',
  'human-review',
  'replan',
  'fallback',
  'backtrack',
  'escalate',
  { exception: 'escalate', timeout: 'escalate', deadline: 'fallback', '*': 'skip' },
  { exception: 'retry', flaky: 'skip', '*': 'continue' },
  { flaky: 'human-review', timeout: 'fallback', '*': 'skip' },
  { exception: 'backtrack', condition: 'continue', '*': 'human-review' },
  { item: 'continue', child: 'human-review', input: 'skip', policy: 'replan', '*': 'continue' },
];
const OF_COMPOSITES = ['abort', 'skip', 'continue', 'retry', 'human-review', 'replan'];
const OF_STRUCTURES = ['abort', 'skip', 'continue'];
const KINDS = [
  ...['action', 'action', 'action', 'action', 'action', 'human-approval', 'human-approval'],
  ...['human-input', 'human-decision', 'human-review-edit'],
  ...['switch', 'join', 'join', 'join', 'loop', 'loop', 'map', 'map', 'subplan', 'sleep', 'signal'],
];
/** Who is turned to by an escalation. */
const LEVELS = ['handler', 'late-handler', 'people', 'late-people', 'hasty-people'] as const;
/** Answers all tasks. */
export const RESPONDER = 'lead';
const limitMs = fc.integer({ min: 1, max: 60 });

/** A time of its own for each node: what falls due together in different runs has no order. */
function ownTimeMs(id: string, ms: number): number {
  return ms * 70_000 + hashOf(id);
}

const nodeShape = fc.record({
  kind: fc.constantFrom(...KINDS),
  policy: fc.constantFrom(...POLICIES),
  hasDefault: fc.boolean(),
  maxAttempts: fc.constantFrom(1, 1, 2, 3),
  retryOn: fc.constantFrom(undefined, undefined, ['exception'], ['schema', 'timeout']),
  backsOff: rarely(25),
  timeoutMs: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: limitMs },
  ),
  durationMs: limitMs,
  hasDeadline: rarely(30),
  hasDefaultResponse: rarely(50),
  rounds: sometimes(30, 1, 2),
  undoes: rarely(20),
  levels: fc.array(fc.constantFrom(...LEVELS), { minLength: 1, maxLength: 3 }),
  check: sometimes(20, 'blocking', 'warning'),
  backTo: fc.nat(),
  maxRestarts: fc.constantFrom(1, 1, 2),
  mode: fc.constantFrom('exclusive', 'inclusive'),
  rule: fc.constantFrom<string | number>(
    'all',
    'all',
    'any',
    1,
    2,
    3,
    'taken > dead',
    'taken + failed >= 2',
    'open == 0',
  ),
  onInputFailure: fc.constantFrom('fail', 'ignore', 'ignore', 'wait'),
  cancelRest: rarely(40),
  mergeInputs: fc.constantFrom('error', 'first', 'last', 'last'),
  isPicky: rarely(6),
  items: fc.constantFrom(
    '[1, 2, 3]',
    '[]',
    '[{"v": 1}, {"v": 2}]',
    'input',
    'inputs.list',
    'inputs.list',
  ),
  concurrency: fc.constantFrom(undefined, 1, 2),
  chunkSize: sometimes(30, 1, 2),
  mapPolicy: fc.constantFrom('fail-fast', 'collect', 'collect'),
  minSuccess: sometimes(40, 0.5, 1),
  forEach: sometimes(40, '[1, 2]', 'inputs.list', 'input', '[]'),
  while: sometimes(30, 'loop.iteration < 3', 'inputs.flag', 'loop.input.v > 1'),
  until: sometimes(
    40,
    'loop.iteration >= 2',
    '!inputs.flag',
    'has(nodes["@"].output) && nodes["@"].output != 1',
    'nodes["@"].output.v > 2',
  ),
  result: sometimes(30, 'loop.iteration', 'nodes["@"].output', '{"v": loop.index}'),
  maxIterations: fc.constantFrom(1, 2, 3),
  breaks: sometimes(30, 'output.v > 2', 'loop.iteration == 2', 'always'),
  plan: fc.constantFrom('p0', 'p1'),
  signal: fc.constantFrom('s0', 's1'),
});
type NodeShape = typeof nodeShape extends fc.Arbitrary<infer T> ? T : never;

/** Nodes with what lies inside them, and the edges that lead to each. */
interface GraphShape {
  readonly nodes: readonly (NodeShape & { readonly body: GraphShape | undefined })[];
  readonly inbound: readonly (readonly EdgeShape[])[];
  readonly authored: readonly number[];
}

function graphShape(minSize: number, maxSize: number, depth: number): fc.Arbitrary<GraphShape> {
  const body = depth === 0 ? fc.constant(undefined) : graphShape(1, 3, depth - 1);
  const node = fc.tuple(nodeShape, body).map(([shape, inside]) => ({ ...shape, body: inside }));
  return fc.integer({ min: minSize, max: maxSize }).chain((size) =>
    fc.record({
      nodes: fc.array(node, { minLength: size, maxLength: size }),
      inbound: fc.array(fc.array(edgeShape, { maxLength: 3 }), {
        minLength: size,
        maxLength: size,
      }),
      authored: fc.shuffledSubarray([...Array(size).keys()], { minLength: size }),
    }),
  );
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
  'has(nodes["@"].status) && nodes["@"].status == "skipped"',
  'has(loop.iteration) && loop.iteration > 1',
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
  transform: fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('{"v": 2}', 'output.v', '[1, 2]', 'inputs.list') },
  ),
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
    const parallel = this.list.filter((edge) => edge.source === source && edge.target === target);
    if (parallel.some((edge) => edge.transform !== undefined)) return;
    const transform = parallel.length === 0 ? shape.transform : undefined;
    const guard = this.#guard(source, name, shape);
    this.list.push({
      source,
      target,
      ...guard,
      ...(map && { map }),
      ...(transform && { transform }),
    });
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

// Drafts -------------------------------------------------------------------------------------

interface Options {
  readonly maxInterruptions: number | undefined;
  /** Kinds that must not be. */
  readonly without: readonly string[];
  /** What they are instead, where that can be. */
  readonly instead: 'action' | 'subplan';
  /** No loop around breaks already. */
  readonly mayBreak: boolean;
  readonly isInLoop: boolean;
  readonly isTimeless: boolean;
  /** Names of the plans that its subplans may be of; without any there are no subplans. */
  readonly plans: readonly string[];
}

/** A graph whose edges lead forward in a hidden order, its nodes authored in another. */
function graphDraft(
  prefix: string,
  shape: GraphShape,
  options: Options,
): { nodes: JsonObject[]; edges: JsonObject[] } {
  const ids = shape.nodes.map((_, i) => `${prefix}${i}`);
  const edges = new EdgeDrafts(ids);
  shape.inbound.forEach((inbound, target) => {
    if (target === 0) return;
    for (const edge of inbound) edges.add(ids[edge.source % target] ?? '', ids[target] ?? '', edge);
  });
  const nodes = shape.authored.map((i) => {
    const node = shape.nodes[i] as GraphShape['nodes'][number];
    return new NodeDraft(ids[i] ?? '', node, edges.list, options).draft();
  });
  return { nodes, edges: edges.list };
}

class NodeDraft {
  readonly #id: string;
  readonly #shape: GraphShape['nodes'][number];
  readonly #edges: readonly JsonObject[];
  readonly #options: Options;

  constructor(
    id: string,
    shape: GraphShape['nodes'][number],
    edges: readonly JsonObject[],
    options: Options,
  ) {
    this.#id = id;
    this.#shape = shape;
    this.#edges = edges;
    this.#options = options;
  }

  draft(): JsonObject {
    const shape = this.#shape;
    const { mergeInputs, isPicky } = shape;
    // Objects only, said so that no plan is refused for what it might bring.
    const inputSchema: JsonObject = { not: { type: ['array', 'number', 'string', 'null'] } };
    const common = { id: this.#id, mergeInputs };
    const checked = { ...common, ...(isPicky && { inputSchema }) };
    const covered = shape.hasDefault ? { defaultOutput: { v: 3 } } : {};
    const simple = this.#policy(OF_STRUCTURES);
    const composite = this.#policy(OF_COMPOSITES);
    const deadline = this.#deadline();
    const isBounded = Object.keys(deadline).length > 0;
    switch (this.#kind) {
      case 'human-approval': {
        const { hasDefaultResponse } = shape;
        const defaultResponse = hasDefaultResponse && isBounded && { approved: shape.hasDefault };
        return {
          ...{ kind: 'human-approval', ...checked, ...covered, onFailure: simple, ...deadline },
          ...(defaultResponse && { defaultResponse }),
          ...this.#rework(),
        };
      }
      case 'human-input':
        return { kind: 'human-input', ...checked, ...covered, onFailure: simple, ...deadline };
      case 'human-review-edit':
        return {
          ...{ kind: 'human-review-edit', ...checked, ...covered, onFailure: simple, ...deadline },
          ...this.#rework(),
        };
      case 'human-decision': {
        const options = CHOICES.map((id) => ({ id }));
        const asks = { kind: 'human-decision', options, ...checked, ...covered };
        return { ...asks, onFailure: simple, ...deadline };
      }
      case 'switch':
        return { kind: 'switch', ...checked, mode: shape.mode, onFailure: simple };
      case 'join':
        return { kind: 'join', ...checked, ...this.#join() };
      case 'loop':
        return { kind: 'loop', ...checked, ...covered, onFailure: composite, ...this.#loop() };
      case 'map':
        return { kind: 'map', ...checked, ...covered, onFailure: composite, ...this.#map() };
      case 'subplan': {
        const retry = this.#retry();
        const { plans } = this.#options;
        const plan = plans.includes(shape.plan) ? shape.plan : (plans[0] ?? '');
        return { kind: 'subplan', ...checked, ...covered, onFailure: composite, retry, plan };
      }
      case 'sleep':
        return {
          kind: 'sleep',
          ...common,
          duration: ownTimeMs(this.#id, shape.durationMs),
          onFailure: simple,
        };
      case 'signal': {
        const { signal } = shape;
        return { kind: 'signal', ...common, ...covered, signal, onFailure: simple, ...deadline };
      }
      default:
        return { kind: 'action', ...checked, ...covered, ...this.#action() };
    }
  }

  #deadline(): JsonObject {
    const { hasDeadline, durationMs } = this.#shape;
    if (!hasDeadline || this.#options.isTimeless) return {};
    return { deadlineMs: ownTimeMs(this.#id, durationMs) };
  }

  get #kind(): string {
    const { kind, body } = this.#shape;
    const { without, instead, plans } = this.#options;
    const wanted = without.includes(kind) ? instead : kind;
    const isImpossible =
      (wanted === 'join' && this.#inbound.length === 0) ||
      (wanted === 'loop' && body === undefined) ||
      (wanted === 'subplan' && plans.length === 0);
    return isImpossible ? 'action' : wanted;
  }

  get #inbound(): readonly JsonObject[] {
    return this.#edges.filter((edge) => edge.target === this.#id);
  }

  #rework(): JsonObject {
    const { rounds, backTo } = this.#shape;
    if (rounds === undefined) return {};
    const before = [this.#id, ...this.#upstream()];
    return { rework: { to: before[backTo % before.length] ?? this.#id, maxRounds: rounds } };
  }

  /** The policy as far as a node of this kind can have it. */
  #policy(allowed: readonly string[]): JsonValue {
    const { policy } = this.#shape;
    if (typeof policy === 'string') return allowed.includes(policy) ? policy : 'continue';
    if (allowed === OF_STRUCTURES) return 'skip';
    const entries = Object.entries(policy).filter(([, action]) => allowed.includes(action));
    return Object.fromEntries(entries);
  }

  #retry(): JsonObject {
    const { maxAttempts, retryOn, backsOff } = this.#shape;
    const { maxInterruptions, isTimeless } = this.#options;
    return {
      maxAttempts,
      ...(retryOn && { retryOn: [...retryOn] }),
      // A delay of a millisecond is one, whatever chance makes of it.
      ...(backsOff && !isTimeless && { backoff: 'fixed', delayMs: 1 }),
      ...(maxInterruptions !== undefined && { maxInterruptions }),
    };
  }

  #work(): JsonObject {
    const timeoutMs = this.#options.isTimeless ? undefined : this.#shape.timeoutMs;
    return {
      handler: 'work',
      retry: this.#retry(),
      ...(timeoutMs && { timeoutMs: ownTimeMs(this.#id, timeoutMs) }),
    };
  }

  #action(): JsonObject {
    const { policy, undoes, backTo, maxRestarts, check } = this.#shape;
    const text = JSON.stringify(policy);
    const before = [this.#id, ...this.#upstream()];
    const to = before[backTo % before.length] ?? this.#id;
    return {
      ...this.#work(),
      onFailure: policy,
      ...(text.includes('fallback') && { fallback: { handler: 'work' } }),
      ...(text.includes('backtrack') && { backtrack: { to, maxRestarts } }),
      ...(text.includes('escalate') && { escalation: this.#levels() }),
      ...(undoes && !this.#options.isInLoop && { compensate: this.#undoing() }),
      ...(check && { checks: [{ name: 'judged', severity: check, ask: this.#deadline() }] }),
    };
  }

  /** Of a time of its own: what falls due together in different runs has no order. */
  #undoing(): JsonObject {
    return { handler: 'work', timeoutMs: ownTimeMs(this.#id, 90) };
  }

  #levels(): JsonObject[] {
    const { isTimeless } = this.#options;
    return this.#shape.levels.map((who, index) => {
      const time = { ms: ownTimeMs(`${this.#id}/${index}`, this.#shape.durationMs) };
      return {
        ...(who.endsWith('handler') ? { handler: 'work' } : { responders: [RESPONDER] }),
        ...(who.startsWith('late') && !isTimeless && { delayMs: time.ms }),
        ...(who.startsWith('hasty') && !isTimeless && { deadlineMs: time.ms }),
      };
    });
  }

  #upstream(): string[] {
    const found = new Set<string>();
    const open = [this.#id];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      for (const { source, target } of this.#edges) {
        if (target !== id || found.has(String(source))) continue;
        found.add(String(source));
        open.push(String(source));
      }
    }
    return [...found].sort();
  }

  #join(): JsonObject {
    const { rule, onInputFailure, cancelRest } = this.#shape;
    const more = { onFailure: onInputFailure, cancelRest };
    if (rule === 'all' || rule === 'any') return { rule, ...more };
    if (typeof rule === 'string') return { rule: { when: rule }, ...more };
    const predecessors = new Set(this.#inbound.map(({ source }) => source));
    return { rule: { count: Math.min(rule, predecessors.size) }, ...more };
  }

  #map(): JsonObject {
    const { items, concurrency, chunkSize, mapPolicy, minSuccess } = this.#shape;
    return {
      ...this.#work(),
      items,
      policy: mapPolicy,
      ...(concurrency && { concurrency }),
      ...(chunkSize && { chunkSize }),
      ...(minSuccess && mapPolicy === 'collect' && { minSuccess }),
    };
  }

  #loop(): JsonObject {
    const shape = this.#shape;
    if (shape.body === undefined) throw new Error('a loop has a body');
    const breaks = this.#options.mayBreak ? shape.breaks : undefined;
    const inside = { ...this.#options, mayBreak: breaks === undefined, isInLoop: true };
    const { nodes, edges } = graphDraft(`${this.#id}b`, shape.body, inside);
    const last = `${this.#id}b${shape.body.nodes.length - 1}`;
    const within = (text: string) => text.replaceAll('@', last);
    if (breaks !== undefined) {
      edges.push({ source: last, target: '$break', when: breaks, onError: 'dead' });
    }
    return {
      body: { nodes, edges },
      maxIterations: shape.maxIterations,
      ...(shape.forEach && { forEach: shape.forEach }),
      ...(shape.while && { while: shape.while }),
      ...(shape.until && { until: within(shape.until) }),
      ...(shape.result && { result: within(shape.result) }),
    };
  }
}

// Scripts ------------------------------------------------------------------------------------

const outputs = fc.oneof(
  fc.nat(5).map((v): JsonValue => ({ v })),
  fc.constantFrom<JsonValue | undefined>(undefined, 1, 'text', null, [1, 2]),
);

const thrown = fc.tuple(fc.boolean(), fc.constantFrom('exception', 'exception', 'flaky')).map(
  ([retryable, failureClass]): ScriptedEnd => ({
    does: { throws: Object.assign(new Error('thrown'), { retryable, class: failureClass }) },
    ending: { ok: false, class: failureClass, retryable },
  }),
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
    weight: 1,
    arbitrary: fc.boolean().map((isBehind): ScriptedEnd => {
      const adds = { isBehind, nodes: [], edges: [] };
      return { does: { returns: null }, ending: { ok: true, output: null, adds } };
    }),
  },
  { weight: 2, arbitrary: thrown },
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

/** The same id twice is the same signal. */
const scriptedSignals = fc.record({
  id: fc.constantFrom('i0', 'i1', 'i2', 'i3', 'i4'),
  name: fc.constantFrom('s0', 's1'),
  payload: fc.constantFrom<JsonValue>({ v: 1 }, 'told', null),
});

const scriptedPause: fc.Arbitrary<ScriptedPause> = fc.record({
  at: fc.nat(20),
  of: fc.nat(5),
  isStubborn: fc.boolean(),
});

// Whole runs ---------------------------------------------------------------------------------

export interface RandomRunOptions {
  readonly maxNodes?: number;
  /** Fixes the number of handlers that may work at the same time. */
  readonly concurrency?: number;
  readonly neverCancelled?: boolean;
  /** Nothing keeps work that was interrupted from beginning again: no pause, no question, no count of attempts. */
  readonly neverHeld?: boolean;
  readonly maxInterruptions?: number;
  /** Without anything that falls due: a stop of the process moves what a time is counted from. */
  readonly isTimeless?: boolean;
  /** Kinds of nodes that must not be. */
  readonly without?: readonly string[];
  /** Many runs inside runs, which are paused and set going again and again. */
  readonly isFamily?: boolean;
}

const settings = fc.record({
  completion: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.record({
        tolerate: fc.constantFrom<string[]>([], ['exception'], ['join', 'condition', 'input']),
        minShare: fc.constantFrom(0, 0.5, 0.9),
      }),
    },
  ),
  budget: fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    {
      weight: 2,
      arbitrary: fc.record({
        limit: fc.constantFrom('maxSteps', 'maxAttempts'),
        number: fc.integer({ min: 1, max: 12 }),
        onExhausted: fc.constantFrom('fail', 'ask'),
      }),
    },
  ),
  deadline: fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.record({ ms: limitMs, onDeadline: fc.constantFrom('fail', 'ask') }),
    },
  ),
});

const IN_SUBPLANS: readonly string[] = ['loop', 'map', 'sleep', 'signal', 'switch'];
const PLANS: readonly string[] = ['p0', 'p1'];
const NOT_IN_FAMILIES: readonly string[] = ['loop', 'map', 'switch', 'human-review-edit', 'signal'];

export function randomRuns(options: RandomRunOptions = {}): fc.Arbitrary<RandomRun> {
  return fc
    .record({
      graph: graphShape(2, options.maxNodes ?? 10, 2),
      plans: fc.tuple(graphShape(1, 3, 0), graphShape(1, 3, 0)),
      settings,
      flag: fc.boolean(),
      list: fc.constantFrom<JsonValue>([], [{ v: 1 }], [1, { v: 2 }, 3], [4, 5, 6, 7, 8], 'none'),
      concurrency: fc.constantFrom(1, 2, 3, 100),
      ends: fc.array(scriptedEnds, { minLength: 1, maxLength: 40 }),
      responses: fc.array(scriptedResponses, { minLength: 1, maxLength: 8 }),
      signals: fc
        .array(scriptedSignals, { maxLength: 5 })
        .map((list) => [...list].sort((a, b) => (a.id < b.id ? -1 : 1))),
      retries: fc.nat(3),
      choices: fc.array(fc.nat(30), { minLength: 1, maxLength: 60 }),
      pauses: fc.oneof(
        { weight: options.isFamily ? 0 : 3, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(scriptedPause, { maxLength: options.isFamily ? 12 : 5 }) },
      ),
      cancelAt: fc.oneof(
        { weight: 6, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.nat(20) },
      ),
    })
    .map((parts) => assemble(parts, options));
}

type Parts = {
  readonly graph: GraphShape;
  readonly plans: readonly [GraphShape, GraphShape];
  readonly settings: typeof settings extends fc.Arbitrary<infer T> ? T : never;
  readonly flag: boolean;
  readonly list: JsonValue;
} & Omit<Script, 'input' | 'isTimeless'>;

function assemble(parts: Parts, options: RandomRunOptions): RandomRun {
  const { maxInterruptions, isTimeless = false, neverHeld = false, isFamily = false } = options;
  const without = [...(options.without ?? []), ...(isFamily ? NOT_IN_FAMILIES : [])];
  const instead = isFamily ? ('subplan' as const) : ('action' as const);
  const common = {
    ...{ maxInterruptions, isTimeless, mayBreak: true, isInLoop: false },
    ...{ plans: PLANS, instead },
  };
  const { flag, list, ends, responses, signals, retries, choices, pauses, cancelAt } = parts;
  const graph = graphDraft('n', parts.graph, {
    ...common,
    without: isTimeless ? [...without, 'sleep'] : without,
  });
  const isNested = JSON.stringify(graph).includes('"subplan"');
  const { completion, budget: given, deadline } = parts.settings;
  const budget = neverHeld && given ? { ...given, limit: 'maxSteps', onExhausted: 'fail' } : given;
  const named = parts.plans.map((plan, i) => {
    // Runs inside runs: those of one plan hold those of the next.
    const plans = PLANS.slice(i + 1);
    const inside = graphDraft(`p${i}n`, plan, { ...common, plans, without: IN_SUBPLANS });
    return [`p${i}`, { title: `Part ${i}`, ...inside }] as const;
  });
  return {
    draft: {
      title: 'Random',
      ...graph,
      ...(isNested && { plans: Object.fromEntries(named) }),
      ...(completion && { completion: { ...completion } }),
      ...(budget &&
        !isNested && {
          budget: { [budget.limit]: budget.number, onExhausted: budget.onExhausted },
        }),
      ...(deadline &&
        !isTimeless && {
          deadlineMs: ownTimeMs('deadline', deadline.ms),
          onDeadline: deadline.onDeadline,
        }),
    },
    script: {
      input: { flag, list },
      concurrency: options.concurrency ?? parts.concurrency,
      ends,
      responses,
      signals,
      retries,
      choices,
      pauses: neverHeld ? [] : pauses,
      isTimeless,
      cancelAt: options.neverCancelled ? undefined : cancelAt,
    },
  };
}
