/** Schedules as the users of an orchestrator see them: they name plans, and plans are checked and stored. */
import type { PlanFor } from '../plan/builder.js';
import type { JsonValue } from '../plan/json.js';
import type { Plan } from '../plan/schema.js';
import { readOptions, readText } from '../read-arguments.js';
import type { UpcomingOccurrence } from './decide.js';
import { MAX_LABEL, type ScheduleDraft } from './draft.js';
import type { Schedule, ScheduledRunOptions } from './schedule.js';
import type { ScheduleList } from './schedule-reader.js';
import type {
  CreatedSchedule,
  ScheduleChanges,
  ScheduleService,
  Triggered,
} from './schedule-service.js';

/** When and how a schedule starts runs. */
export interface ScheduleOptions<Input = unknown>
  extends Omit<ScheduleDraft, 'plan' | 'label' | 'input'> {
  /** Every run is pinned to the version that it has now. */
  readonly plan: PlanFor<Input>;
  /** What the plan is called, as runs record it; its title unless given. */
  readonly label?: string | undefined;
  /** Input of every run. */
  readonly input?: Input | undefined;
}

/** What is undefined stays as it is. */
export type ScheduleUpdate<Input = unknown> = {
  readonly [Name in Exclude<keyof ScheduleOptions, 'id'>]?:
    | ScheduleOptions<Input>[Name]
    | undefined;
};

/** The plans that a process can run. */
export interface SchedulablePlans {
  /**
   * Stores a plan. Rejects where it could not be started with this input and these options: `plan-invalid`,
   * `handler-missing`, `executor-missing`, `input-invalid`, `argument-invalid`.
   */
  admit(
    plan: Plan,
    input: unknown,
    options?: ScheduledRunOptions,
  ): Promise<{ readonly hash: string; readonly title: string }>;
  load(hash: string): Promise<Plan>;
  /** An input, and what goes beside it, without what the plan calls secret. */
  hideInput<T>(
    hash: string,
    input: JsonValue,
    beside: T,
  ): Promise<readonly [input: JsonValue, beside: T]>;
}

/** Starts that recur: made, changed, paused and removed. */
export class Schedules {
  readonly #service: ScheduleService;
  readonly #plans: SchedulablePlans;

  constructor(service: ScheduleService, plans: SchedulablePlans) {
    this.#service = service;
    this.#plans = plans;
  }

  /**
   * Stores a schedule; resolves when it is durable. The same again is the same schedule. Rejects as `start`
   * of the orchestrator does where the plan cannot be started, and with `schedule-invalid` or `schedule-conflict`.
   */
  async create<Input>(options: ScheduleOptions<Input>): Promise<CreatedSchedule> {
    const { plan, label, ...draft } = readOptions(options);
    readScheduleId(draft.id);
    const { hash, title } = await this.#plans.admit(plan, draft.input, draft.runOptions);
    const named = label ?? labelOf(title);
    return this.#shown(await this.#service.create({ ...draft, plan: hash, label: named }));
  }

  /**
   * Changes what is given, and keeps the rest. A new cadence, start or end counts from now on: nothing
   * before is made up for. A plan that has changed is scheduled by naming it here.
   */
  async update<Input>(id: string, changes: ScheduleUpdate<Input>): Promise<Schedule> {
    readScheduleId(id);
    const { plan, ...rest } = readOptions(changes);
    const update = async (all: ScheduleChanges) => this.#shown(await this.#service.update(id, all));
    const { input, runOptions } = changes;
    const isStartedAsBefore = input === undefined && runOptions === undefined;
    if (plan === undefined && isStartedAsBefore) return update(rest);
    const current = await this.#service.get(id);
    const admitted = await this.#plans.admit(
      plan ?? (await this.#plans.load(current.plan)),
      input === undefined ? current.input : input,
      runOptions ?? current.runOptions,
    );
    if (plan === undefined) return update(rest);
    const label = changes.label ?? labelOf(admitted.title);
    return update({ ...rest, plan: admitted.hash, label });
  }

  /** Starts nothing by itself any more; what waits in the queue stays there. Runs go on. */
  async pause(id: string): Promise<Schedule> {
    return this.#shown(await this.#service.pause(readScheduleId(id)));
  }

  /** Goes on from now: what occurred during the pause is not made up for. */
  async resume(id: string): Promise<Schedule> {
    return this.#shown(await this.#service.resume(readScheduleId(id)));
  }

  /** Resolves false where there was none. Runs go on. */
  async remove(id: string): Promise<boolean> {
    return this.#service.remove(readScheduleId(id));
  }

  /** By id. */
  async list(page?: ScheduleList): Promise<Schedule[]> {
    const schedules = await this.#service.list(page);
    return Promise.all(schedules.map((schedule) => this.#shown(schedule)));
  }

  /** Rejects with `schedule-unknown`. */
  async get(id: string): Promise<Schedule> {
    return this.#shown(await this.#service.get(readScheduleId(id)));
  }

  /**
   * Asks for a run now, whether the schedule is paused or not; overlap is as for any other occurrence.
   * What is `queued` is durable, and starts when it can.
   */
  async trigger(id: string): Promise<Triggered> {
    return this.#service.trigger(readScheduleId(id));
  }

  /** The next occurrences, 10 unless given, 1,000 at most, as if the schedule were not paused. */
  async preview(id: string, count?: number): Promise<UpcomingOccurrence[]> {
    return this.#service.preview(readScheduleId(id), count);
  }

  /** Without what its plan calls secret. */
  async #shown<T extends Schedule>(schedule: T): Promise<T> {
    const { plan, runOptions: options } = schedule;
    const [input, runOptions] = await this.#plans.hideInput(plan, schedule.input, options);
    return { ...schedule, input, runOptions };
  }
}

function readScheduleId(id: string): string {
  return readText(id, 'the id of a schedule');
}

function labelOf(title: string): string {
  return title.slice(0, MAX_LABEL).toWellFormed();
}
