/**
 * One path of a dry run: the real engine in a simulated world, in which handlers, people and signals
 * are stood in for. Whatever could come otherwise is a choice; answers are given before time passes.
 */
import type { HandlerContext, Handlers, Logger } from '../actors/handlers.js';
import type { TaskPeople, TaskRecord } from '../actors/records.js';
import { RunchartError } from '../errors.js';
import { isFinal, type NodeStatus, type RunStatus } from '../machines/statuses.js';
import { executorsOf } from '../plan/executors.js';
import { blockingIssues } from '../plan/issue.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { NodeView } from '../plan/plan-version.js';
import type { Plan } from '../plan/schema.js';
import { Faults } from '../testing/faults.js';
import type { MemoryRun } from '../testing/memory-storage.js';
import { SimulationError } from '../testing/simulation-error.js';
import type { TestRun } from '../testing/test-run.js';
import { World } from '../testing/world.js';
import type { Choices } from './choices.js';
import { type Outcome, toOutcome } from './givens.js';
import { nameOf, type Place, type PlaceOf } from './plan-index.js';
import type { Stage, StagedPlan } from './stage.js';

/** One way through a plan. */
export interface DryRun {
  readonly status: RunStatus;
  readonly reason: JsonObject | null;
  /** Nodes in the order in which they became final. */
  readonly nodes: readonly { readonly node: string; readonly status: NodeStatus }[];
  /** Simulated time from its start to its end. */
  readonly durationMs: number;
  /** It did not come to its end within the limits. */
  readonly isCut: boolean;
  /** Names of nodes that became ready. */
  readonly reached: ReadonlySet<string>;
  /** Names of edges that were taken. */
  readonly taken: ReadonlySet<string>;
  /** Results of conditions by the name of their edge. */
  readonly conditions: ReadonlyMap<string, ReadonlySet<'true' | 'false' | 'error'>>;
  readonly warnings: readonly Warning[];
}

export interface Warning {
  readonly code: string;
  readonly message: string;
  readonly node?: string;
}

const RUN = 'run';
const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const TEN_YEARS_MS = 3_652 * 86_400_000;
/** Iterations of a loop whose choices are gone through; later ones take each option in turn. */
const BRANCHING_ITERATIONS = 2;
const OUTCOMES = ['approved', 'rejected', 'changes-requested'] as const;
const DEADLINE = 'deadline passed';

export async function dryRun(stage: Stage, choices: Choices): Promise<DryRun> {
  const run = new Rehearsal(stage, choices);
  return run.perform();
}

class Rehearsal {
  readonly #stage: Stage;
  readonly #choices: Choices;
  readonly #calls = new Map<string, number>();
  readonly #outcomes = new Map<string, Outcome>();
  /** Tasks and signals whose deadline is to pass. */
  readonly #left = new Set<string>();
  /** Questions that are asked again without end where the same is answered each time. */
  readonly #asked = new Set<string>();
  readonly #warnings: Warning[] = [];
  /** Set before anything is asked of it. */
  #world!: World;
  #steps = 0;

  constructor(stage: Stage, choices: Choices) {
    this.#stage = stage;
    this.#choices = choices;
  }

  async perform(): Promise<DryRun> {
    const { version } = this.#stage.root.index;
    const { maxSteps, seed } = this.#stage;
    const { handlers, owners } = executorsOf(version.plan);
    this.#world = await World.open({
      handlers: this.#standIns([...handlers]),
      executors: [...owners],
      seed,
      limits: {},
      logger: SILENT,
      faults: new Faults(),
      holdsHandlers: false,
      maxTimeMs: TEN_YEARS_MS,
      maxSteps,
      patienceMs: 10_000,
    });
    const startedAt = this.#world.clock.now();
    const input = this.#pickInput();
    const run = await this.#world.start(version.plan as Plan, { input, id: RUN });
    const isCut = await this.#goOn(run);
    return this.#report(run, startedAt, isCut);
  }

  /** Goes on to the end; true where a limit was met before it. */
  async #goOn(run: TestRun): Promise<boolean> {
    try {
      for (;;) {
        await this.#world.advance(0);
        if (isFinal(run.status)) return false;
        this.#step();
        if (await this.#answerOne()) continue;
        if (run.status === 'blocked' || run.status === 'paused') return false;
        if (!this.#world.isTimeAwaited(run.id)) return false;
        const { eventCount } = this.#world;
        await this.#world.skip(() => this.#world.eventCount > eventCount);
      }
    } catch (error) {
      if (!isLimit(error)) throw error;
      const { maxSteps } = this.#stage;
      this.#warn('path-cut', `a path did not come to its end within ${maxSteps} steps`);
      return true;
    }
  }

  #step(): void {
    this.#steps += 1;
    if (this.#steps > this.#stage.maxSteps) throw new SimulationError('step-limit', 'too long');
  }

  #warn(code: string, message: string, node?: string): void {
    this.#warnings.push({ code, message, ...(node !== undefined && { node }) });
  }

  #pickInput(): JsonValue {
    const { inputs } = this.#stage;
    const labels = inputs.map((value) => `input ${shorten(value)}`);
    return inputs[this.#choices.pick('', '', labels)] ?? {};
  }

  // Handlers -----------------------------------------------------------------------------------

  #standIns(keys: readonly string[]): Handlers {
    return Object.fromEntries(
      keys.map((key) => [
        key,
        (input: JsonValue | undefined, context: HandlerContext) => this.#work(input, context),
      ]),
    );
  }

  #work(input: JsonValue | undefined, context: HandlerContext): unknown {
    this.#step();
    const rows = this.#rows(context.run);
    const plan = this.#stage.planOf(rows.record.planHash, () => this.#planJson(rows));
    const place = plan.index.place(context.node);
    if (place === undefined) return {};
    const outcome = this.#outcomeOf(plan, place, rows, context, input);
    if (outcome.is === 'failure') throw failureOf(outcome.class);
    const { output, action } = outcome;
    return {
      ok: true,
      ...(output !== undefined && { output }),
      ...(action !== undefined && { action }),
      ...(place.as === 'node' && { artifacts: plan.deliver(place) }),
    };
  }

  #outcomeOf(
    plan: StagedPlan,
    place: Place,
    rows: MemoryRun,
    context: HandlerContext,
    input: JsonValue | undefined,
  ): Outcome {
    const path = this.#pathOf(rows, context.node);
    const isSubstitute = worksInstead(rows, context.node);
    const names = this.#namesOf(plan, place, rows, context.node);
    if (!isSubstitute) {
      const given = this.#stage.outputs.get(names, this.#calls);
      if (given !== undefined) return toOutcome(given);
    }
    // Further attempts of the same node run come to the same.
    const key = `${path} ${context.generation}${isSubstitute ? ` ${context.attempt}` : ''}`;
    const known = this.#outcomes.get(key);
    if (known !== undefined) return known;
    const found = this.#alternatives(plan, place, rows, input, isSubstitute);
    const outcome = found[this.#pick(plan, place, path, found.map(describe))] as Outcome;
    this.#outcomes.set(key, outcome);
    return outcome;
  }

  #alternatives(
    plan: StagedPlan,
    place: Place,
    rows: MemoryRun,
    input: JsonValue | undefined,
    isSubstitute: boolean,
  ): readonly Outcome[] {
    const { fails } = this.#stage;
    const failure = fails ? [{ is: 'failure', class: 'exception' } as const] : [];
    if (place.as === 'compensation') return [outputOf({})];
    if (place.as === 'item') {
      const sample = plan.sample(place);
      const isChunk = place.node.map?.chunkSize !== undefined && Array.isArray(input);
      const result = outputOf(isChunk ? input.map(() => sample) : sample);
      // One item stands for all.
      return place.item === 0 ? [result, ...failure] : [result];
    }
    if (isSubstitute) return [outputOf(plan.sample(place)), ...failure];
    const { values, isCut } = plan.alternatives(place, this.#known(plan, rows, place), input);
    if (isCut) this.#noteCut(place);
    return [...values, ...failure];
  }

  #noteCut(place: PlaceOf): void {
    const name = nameOf(place);
    this.#warn('too-many-alternatives', `not every output of "${name}" was tried`, name);
  }

  /** What a run has of nodes that finished in it, as far as they lie around this one. */
  #known(plan: StagedPlan, rows: MemoryRun, at: PlaceOf) {
    return {
      inputs: JSON.parse(rows.record.inputJson) as JsonValue,
      finished: (place: PlaceOf): NodeView | undefined => {
        const row = newestRow(rows, nameOf(place));
        return row === undefined || !isFinal(row.status) ? undefined : viewOf(row);
      },
      sample: (place: PlaceOf) => plan.sample(place),
      at,
    };
  }

  #pick(plan: StagedPlan, place: PlaceOf, path: string, options: readonly string[]): number {
    const name = plan.prefix + nameOf(place);
    const iteration = Math.max(1, ...[...path.matchAll(/\[(\d+)\]\//g)].map(([, n]) => Number(n)));
    if (iteration <= BRANCHING_ITERATIONS || options.length < 2) {
      return this.#choices.pick(name, path, options);
    }
    const message = `choices in iterations after the first ${BRANCHING_ITERATIONS} are not all gone through`;
    this.#warn('choices-not-branched', message, name);
    return (iteration - 1) % options.length;
  }

  // People and signals -------------------------------------------------------------------------

  /** Answers the oldest question that is open; false where none is. */
  async #answerOne(): Promise<boolean> {
    for (const rows of [...this.#world.storage.runs.values()]) {
      if (isFinal(rows.record.status)) continue;
      for (const task of rows.tasks.values()) {
        if (task.status !== 'open' || this.#left.has(task.id)) continue;
        await this.#answerTask(rows, task);
        return true;
      }
      for (const row of rows.nodeRuns.values()) {
        if (row.status !== 'running') continue;
        if (await this.#sendSignal(rows, row.node, row.generation)) return true;
      }
    }
    return false;
  }

  async #answerTask(rows: MemoryRun, task: TaskRecord): Promise<void> {
    const plan = this.#stage.planOf(rows.record.planHash, () => this.#planJson(rows));
    const place = plan.index.place(task.node);
    const path = this.#pathOf(rows, task.node);
    const answers = place === undefined ? [] : this.#answersTo(plan, place, task);
    const options = place === undefined ? this.#grants(path) : answers;
    const names = place === undefined ? [] : this.#namesOf(plan, place, rows, task.node);
    const given = this.#stage.answers.get(names, this.#calls);
    if (given !== undefined && place !== undefined) {
      const response = options.find(({ label }) => label === given)?.response ?? given;
      if (given === DEADLINE) this.#left.add(task.id);
      else await this.#respond(task, response);
      return;
    }
    if (task.deadlineAt !== null) options.push({ label: DEADLINE, response: null });
    const name = place ?? { scope: plan.index.scopes[0] as Place['scope'], node: RUN_NODE };
    const { label, response } =
      options[
        this.#pick(
          plan,
          name,
          path,
          options.map((option) => option.label),
        )
      ] ?? NO_ANSWER;
    if (label === DEADLINE) this.#left.add(task.id);
    else await this.#respond(task, response);
  }

  #answersTo(plan: StagedPlan, place: Place, task: TaskRecord): Answer[] {
    if (task.kind === 'human-approval') return approvals(plan, place);
    const again = `${task.run} ${task.node}`;
    const mayRetry = !this.#asked.has(again);
    this.#asked.add(again);
    return [
      { label: 'accept', response: { decision: 'accept', output: plan.sample(place) } },
      ...(mayRetry ? [{ label: 'retry', response: { decision: 'retry' } }] : []),
      { label: 'abort', response: { decision: 'abort' } },
    ];
  }

  /** Whether the run may have once more what it has used up: granted once. */
  #grants(path: string): Answer[] {
    const mayGrant = !this.#asked.has(path);
    this.#asked.add(path);
    return [
      ...(mayGrant ? [{ label: 'granted', response: { approved: true } }] : []),
      { label: 'not granted', response: { approved: false } },
    ];
  }

  async #respond(task: TaskRecord, response: JsonValue): Promise<void> {
    const people = JSON.parse(task.peopleJson ?? 'null') as TaskPeople | null;
    const responder = people?.responders?.[0] ?? 'simulated';
    await this.#world.ask((orchestrator) => orchestrator.respond(task.id, { response, responder }));
  }

  async #sendSignal(rows: MemoryRun, node: string, generation: number): Promise<boolean> {
    const plan = this.#stage.planOf(rows.record.planHash, () => this.#planJson(rows));
    const place = plan.index.place(node);
    const path = this.#pathOf(rows, node);
    const key = `${path} ${generation}`;
    if (place?.node.source.kind !== 'signal' || this.#left.has(key)) return false;
    const { signal = place.node.id, deadlineMs } = place.node.source;
    const names = this.#namesOf(plan, place, rows, node);
    const given = this.#stage.outputs.get(names, this.#calls);
    const outcomes = given === undefined ? this.#payloads(plan, place, rows) : [toOutcome(given)];
    const labels = outcomes.map((outcome) => `signal ${describe(outcome)}`);
    if (given === undefined && deadlineMs !== undefined) labels.push(DEADLINE);
    const outcome = outcomes[this.#pick(plan, place, path, labels)];
    if (outcome === undefined || outcome.is === 'failure') {
      this.#left.add(key);
      return true;
    }
    await this.#world.ask((orchestrator) =>
      orchestrator.signal(rows.record.id, signal, { payload: outcome.output ?? null }),
    );
    return true;
  }

  #payloads(plan: StagedPlan, place: Place, rows: MemoryRun): readonly Outcome[] {
    const known = this.#known(plan, rows, place);
    const { values, isCut } = plan.alternatives(place, known, undefined);
    if (isCut) this.#noteCut(place);
    return values;
  }

  // What came of it ----------------------------------------------------------------------------

  #report(run: TestRun, startedAt: number, isCut: boolean): DryRun {
    const reached = new Set<string>();
    const taken = new Set<string>();
    const conditions = new Map<string, Set<'true' | 'false' | 'error'>>();
    for (const rows of this.#world.storage.runs.values()) {
      const plan = this.#stage.planOf(rows.record.planHash, () => this.#planJson(rows));
      this.#readEvents(rows, plan, { reached, conditions });
      for (const row of rows.nodeRuns.values()) {
        const place = plan.index.place(row.node);
        if (place?.as === 'node') noteTaken(plan, place, row.edges, taken);
        if (place !== undefined) this.#readLoop(plan, place, row.outputJson);
      }
    }
    return {
      status: run.status,
      reason: run.reason,
      nodes: this.#finals(),
      durationMs: this.#world.clock.now() - startedAt,
      isCut,
      reached,
      taken,
      conditions,
      warnings: this.#warnings,
    };
  }

  #readEvents(
    rows: MemoryRun,
    plan: StagedPlan,
    into: { reached: Set<string>; conditions: Map<string, Set<'true' | 'false' | 'error'>> },
  ): void {
    for (const { type, node, detailJson } of rows.events) {
      const place = node === null ? undefined : plan.index.place(node);
      if (place === undefined || place.as === 'compensation') continue;
      const name = plan.prefix + nameOf(place);
      if (type === 'node.ready') into.reached.add(name);
      if (type !== 'edge.evaluated') continue;
      const { edge, result, error } = JSON.parse(detailJson) as EdgeEvaluated;
      const key = plan.prefix + place.scope.prefix + edge;
      const seen = into.conditions.get(key) ?? new Set();
      into.conditions.set(
        key,
        seen.add(error === undefined ? (String(result) as 'true') : 'error'),
      );
      if (error === undefined) continue;
      const message = `the condition of "${edge}" could not be evaluated: ${error.message}`;
      this.#warn('condition-error', message, name);
    }
  }

  #readLoop(plan: StagedPlan, place: PlaceOf, outputJson: string | null): void {
    if (place.node.kind !== 'loop' || outputJson === null) return;
    const { exit } = JSON.parse(outputJson) as { exit?: string };
    const name = plan.prefix + nameOf(place);
    if (exit !== 'max') return;
    const { maxIterations } = place.node.loop ?? {};
    this.#warn('loop-at-maximum', `"${name}" can reach its maximum of ${maxIterations}`, name);
  }

  /** Final node runs of all runs, in the order in which they were decided. */
  #finals(): DryRun['nodes'] {
    const finals: { node: string; status: NodeStatus; turn: number }[] = [];
    for (const rows of this.#world.storage.runs.values()) {
      for (const { turn, rows: changed } of rows.turns) {
        for (const { node, detailJson } of changed.events) {
          const { to, from } = JSON.parse(detailJson) as { to?: NodeStatus; from?: NodeStatus };
          if (node === null || to === undefined || from === undefined || !isFinal(to)) continue;
          finals.push({ node: this.#pathOf(rows, node), status: to, turn });
        }
      }
    }
    finals.sort((a, b) => a.turn - b.turn);
    return finals.map(({ node, status }) => ({ node, status }));
  }

  #rows(run: string): MemoryRun {
    const rows = this.#world.storage.runs.get(run);
    if (rows === undefined) throw new RunchartError('run-unknown', `there is no run ${run}`);
    return rows;
  }

  #planJson({ record }: MemoryRun): { readonly json: string; readonly name: string } {
    const json = this.#world.storage.plans.get(record.planHash) ?? '{}';
    const parent = this.#world.storage.runs.get(record.parentId ?? '');
    if (parent === undefined) return { json, name: '' };
    const plan = this.#stage.planOf(parent.record.planHash, () => this.#planJson(parent));
    const source = plan.index.place(record.parentNode ?? '')?.node.source;
    return { json, name: source?.kind === 'subplan' ? source.plan : '' };
  }

  /** Path of a node run, behind that of the subplan that its run works for. */
  #pathOf({ record }: MemoryRun, node: string): string {
    const parent = this.#world.storage.runs.get(record.parentId ?? '');
    if (parent === undefined) return node;
    return `${this.#pathOf(parent, record.parentNode ?? '')} > ${node}`;
  }

  #namesOf(plan: StagedPlan, place: Place, rows: MemoryRun, node: string): string[] {
    const name = nameOf(place);
    if (place.as === 'compensation') return [node];
    return [this.#pathOf(rows, node), node, plan.prefix + name, name, place.node.id];
  }
}

interface Answer {
  readonly label: string;
  readonly response: JsonValue;
}

interface EdgeEvaluated {
  readonly edge: string;
  readonly result: boolean | null;
  readonly error?: { readonly message: string };
}

const NO_ANSWER: Answer = { label: DEADLINE, response: null };
/** Stands for the run itself, where it is what a person is asked about. */
const RUN_NODE = { id: '(run)' } as Place['node'];

/** The outcomes of an approval for which there is a response that fits its schema. */
function approvals(plan: StagedPlan, place: Place): Answer[] {
  const sample = plan.sample(place);
  const base =
    typeof sample === 'object' && sample !== null && !Array.isArray(sample) ? sample : {};
  const { requiredEdits: _, ...plain } = base;
  const responses: readonly JsonObject[] = [
    { ...plain, approved: true },
    { ...plain, approved: false },
    { ...plain, approved: false, requiredEdits: ['sample'] },
  ];
  return OUTCOMES.map((label, index) => ({ label, response: responses[index] ?? {} })).filter(
    ({ response }) => blockingIssues(place.node.validateOutput?.(response) ?? []).length === 0,
  );
}

function noteTaken(plan: StagedPlan, { scope, node }: PlaceOf, edges: string, taken: Set<string>) {
  [...edges].forEach((letter, index) => {
    const edge = scope.graph.edges[(scope.graph.outStart[node.position] ?? 0) + index];
    if (letter === 't' && edge !== undefined) taken.add(plan.prefix + scope.prefix + edge.id);
  });
}

/** The row of a node by its name in the plan; within loops that of the newest iteration. */
function newestRow(rows: MemoryRun, name: string) {
  const exact = rows.nodeRuns.get(name);
  if (exact !== undefined || !name.includes('/')) return exact;
  const named = [...rows.nodeRuns.values()].filter(
    ({ node }) => node.replace(/(#\d+)?\[\d+\]\//g, '/') === name,
  );
  return named.sort((a, b) => a.seq - b.seq).at(-1);
}

function viewOf(row: NonNullable<ReturnType<typeof newestRow>>): NodeView {
  const { status, inputJson, outputJson, outcome, action } = row;
  return {
    status,
    ...(inputJson !== null && { input: JSON.parse(inputJson) as JsonValue }),
    ...(outputJson !== null && { output: JSON.parse(outputJson) as JsonValue }),
    ...(outcome !== null && { outcome }),
    ...(action !== null && { action }),
  };
}

/** Whether what works is the fallback of a node, or a level of its escalation. */
function worksInstead(rows: MemoryRun, node: string): boolean {
  const begun = rows.events.findLast(
    ({ type, node: of }) => of === node && (type === 'node.started' || type === SUBSTITUTE),
  );
  return begun?.type === SUBSTITUTE;
}

const SUBSTITUTE = 'node.fallback-started';

function outputOf(output: JsonValue): Outcome {
  return { is: 'output', output, action: undefined };
}

function describe(outcome: Outcome): string {
  if (outcome.is === 'failure') return `fails with ${outcome.class}`;
  const { action, output } = outcome;
  const value = output === undefined ? '' : shorten(output);
  return action === undefined ? value : `action ${action} ${value}`.trim();
}

function shorten(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

function failureOf(failureClass: string): Error {
  const details = { class: failureClass, code: 'simulated', retryable: true };
  return Object.assign(new Error(`a simulated failure of class ${failureClass}`), details);
}

function isLimit(error: unknown): boolean {
  return (
    error instanceof SimulationError &&
    (error.code === 'step-limit' || error.code === 'time-limit' || error.code === 'stalled')
  );
}
