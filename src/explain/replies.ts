/** What people and the outside world say on one path of a dry run: answers to tasks, and signals. */
import type { NodeRunRecord, TaskPeople, TaskRecord } from '../actors/records.js';
import { isFinal } from '../machines/statuses.js';
import { blockingIssues } from '../plan/issue.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../plan/json.js';
import type { CompiledNode, DecisionOption } from '../plan/plan-version.js';
import type { MemoryRun } from '../testing/memory-storage.js';
import type { World } from '../testing/world.js';
import type { Chooser, Decisions } from './decisions.js';
import { describeOutcome, toOutcome } from './givens.js';
import type { StagedNodeRun, StagedRuns } from './staged-runs.js';

interface Answer {
  readonly label: string;
  readonly response: JsonValue;
}

const CHANGES = 'changes-requested';
const OUTCOMES = ['approved', 'rejected', CHANGES] as const;
const SEND_BACK: Answer = {
  label: 'send-back',
  response: { decision: 'send-back', requiredEdits: ['sample'] },
};
const DEADLINE = 'deadline passed';

export class Replies {
  readonly #world: World;
  readonly #runs: StagedRuns;
  readonly #decisions: Decisions;
  /** Tasks and signals whose deadline is to pass. */
  readonly #left = new Set<string>();
  /** Questions that are asked again without end where the same is answered each time. */
  readonly #asked = new Set<string>();

  constructor(world: World, runs: StagedRuns, decisions: Decisions) {
    this.#world = world;
    this.#runs = runs;
    this.#decisions = decisions;
  }

  /** Answers the oldest question that is open; false where none is. */
  async answerOne(): Promise<boolean> {
    for (const run of this.#runs.all()) {
      if (isFinal(run.record.status)) continue;
      for (const task of run.tasks.values()) {
        if (task.status !== 'open' || this.#left.has(task.id)) continue;
        await this.#answerTask(run, task);
        return true;
      }
      for (const row of run.nodeRuns.values()) {
        if (row.status === 'running' && (await this.#sendSignal(run, row))) return true;
      }
    }
    return false;
  }

  async #answerTask(run: MemoryRun, task: TaskRecord): Promise<void> {
    const nodeRun = this.#runs.nodeRun(run, task.node);
    const response =
      nodeRun === undefined ? this.#responseOfRun(run, task) : this.#responseOf(nodeRun, task);
    if (response === undefined) this.#left.add(task.id);
    else await this.#respond(run, task, response);
  }

  /** Undefined where nobody is to answer. */
  #responseOf(nodeRun: StagedNodeRun, task: TaskRecord): JsonValue | undefined {
    const answers = this.#answersTo(nodeRun, task);
    const given = this.#decisions.givenAnswer(nodeRun);
    if (given === undefined) return this.#choose(nodeRun, answers, task);
    if (given === DEADLINE) return undefined;
    return answers.find(({ label }) => label === given)?.response ?? given;
  }

  /** Whether the run may have once more what it has used up: granted once. */
  #responseOfRun(run: MemoryRun, task: TaskRecord): JsonValue | undefined {
    const path = this.#runs.pathOf(run, task.node);
    const mayGrant = !this.#asked.has(path);
    this.#asked.add(path);
    const answers = [
      ...(mayGrant ? [{ label: 'granted', response: { approved: true } }] : []),
      { label: 'not granted', response: { approved: false } },
    ];
    return this.#choose({ name: `${this.#runs.planOf(run).prefix}(run)`, path }, answers, task);
  }

  #choose(
    chooser: Chooser,
    answers: readonly Answer[],
    { deadlineAt }: TaskRecord,
  ): JsonValue | undefined {
    const labels = answers.map(({ label }) => label);
    if (deadlineAt !== null) labels.push(DEADLINE);
    return answers[this.#decisions.pick(chooser, labels)]?.response;
  }

  #answersTo(nodeRun: StagedNodeRun, task: TaskRecord): readonly Answer[] {
    const { plan, place } = nodeRun;
    const again = `${task.run} ${task.node}`;
    const isFirst = !this.#asked.has(again);
    this.#asked.add(again);
    switch (task.kind) {
      case 'human-input':
        return this.#inputs(nodeRun);
      case 'human-decision':
        return choices(task);
      case 'human-review-edit':
        return [
          { label: 'accept', response: { decision: 'accept', output: plan.sample(place) } },
          ...(isFirst ? [SEND_BACK] : []),
          { label: 'reject', response: { decision: 'reject' } },
        ];
      case 'human-approval': {
        const answers = approvals(plan.sample(place), place.node);
        const isAskedAgain = place.node.human?.rework !== undefined && !isFirst;
        return isAskedAgain ? answers.filter(({ label }) => label !== CHANGES) : answers;
      }
      default:
        return [
          { label: 'accept', response: { decision: 'accept', output: plan.sample(place) } },
          ...(isFirst ? [{ label: 'retry', response: { decision: 'retry' } }] : []),
          { label: 'abort', response: { decision: 'abort' } },
        ];
    }
  }

  #inputs(nodeRun: StagedNodeRun): readonly Answer[] {
    return this.#decisions.alternatives(nodeRun, undefined).flatMap((outcome): Answer[] => {
      if (outcome.is === 'failure') return [];
      const response = outcome.output ?? null;
      return [{ label: `answer ${describeOutcome(outcome)}`, response }];
    });
  }

  async #respond(run: MemoryRun, task: TaskRecord, response: JsonValue): Promise<void> {
    const votes = run.responses.filter((vote) => vote.task === task.id).length;
    const responder = responderOf(task, votes);
    await this.#world.ask((orchestrator) => orchestrator.respond(task.id, { response, responder }));
  }

  /** False where the node run waits for no signal, or is left to its deadline. */
  async #sendSignal(run: MemoryRun, { node, generation }: NodeRunRecord): Promise<boolean> {
    const nodeRun = this.#runs.nodeRun(run, node);
    const source = nodeRun?.place.node.source;
    if (nodeRun === undefined || source?.kind !== 'signal') return false;
    const key = `${nodeRun.path} ${generation}`;
    if (this.#left.has(key)) return false;
    const { id, signal = id, deadlineMs } = source;
    const given = this.#decisions.givenOutput(nodeRun);
    const outcomes =
      given === undefined ? this.#decisions.alternatives(nodeRun, undefined) : [toOutcome(given)];
    const labels = outcomes.map((outcome) => `signal ${describeOutcome(outcome)}`);
    if (given === undefined && deadlineMs !== undefined) labels.push(DEADLINE);
    const outcome = outcomes[this.#decisions.pick(nodeRun, labels)];
    if (outcome === undefined || outcome.is === 'failure') {
      this.#left.add(key);
      return true;
    }
    const payload = outcome.output ?? null;
    await this.#world.ask((orchestrator) =>
      orchestrator.signal(run.record.id, signal, { payload }),
    );
    return true;
  }
}

/** The outcomes of an approval for which there is a response that fits its schema. */
function approvals(sample: JsonValue, { validateOutput }: CompiledNode): readonly Answer[] {
  const { requiredEdits: _, ...plain } = isJsonObject(sample) ? sample : {};
  const responses: readonly JsonObject[] = [
    { ...plain, approved: true },
    { ...plain, approved: false },
    { ...plain, approved: false, requiredEdits: ['sample'] },
  ];
  return OUTCOMES.map((label, index) => ({ label, response: responses[index] ?? {} })).filter(
    ({ response }) => blockingIssues(validateOutput?.(response) ?? []).length === 0,
  );
}

/** One answer per option. */
function choices({ presentedJson }: TaskRecord): readonly Answer[] {
  const { options = [] } = JSON.parse(presentedJson) as { options?: readonly DecisionOption[] };
  return options.map(({ id }) => ({ label: id, response: { choice: id } }));
}

/** Somebody who may answer and has not voted. Stand-ins of groups are named so that they are known to belong. */
function responderOf({ assignee, peopleJson }: TaskRecord, votes: number): string {
  if (assignee !== null) return assignee;
  const { responders, groups } = JSON.parse(peopleJson ?? '{}') as TaskPeople;
  const group = groups?.[0];
  return (
    responders?.[votes] ??
    (group === undefined ? `stand-in ${votes}` : `stand-in ${votes}${MEMBER_OF}${group}`)
  );
}

const MEMBER_OF = ' of the group ';

/** Groups of who answers in a dry run. */
export function groupsOfStandIn(name: string): readonly string[] {
  const [, group] = name.split(MEMBER_OF);
  return group === undefined ? [] : [group];
}
