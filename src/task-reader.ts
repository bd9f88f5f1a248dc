/** Reads tasks and the answers to them, as the API shows them. */
import type { Principal, TaskRecord } from './actors/records.js';
import type { TaskStatus } from './machines/task-events.js';
import type { JsonValue } from './plan/json.js';
import { type PresentedArtifact, readPresented } from './presented-artifact.js';
import { readLimit, readOptions, readText, readTextIfGiven } from './read-arguments.js';
import { toResponse, toTask } from './row-views.js';
import { maskTask } from './run-secrets.js';
import type { SeenRuns } from './seen-runs.js';
import type { ResponseView, TaskView } from './views.js';

/** Which tasks to list. */
export interface TaskFilter {
  readonly status?: TaskStatus | 'any';
  /** Id of the run that asks. */
  readonly run?: string;
  /** To whom the task belongs. */
  readonly assignee?: string;
  /** Most tasks to return; 100 unless given, 1,000 at most. */
  readonly limit?: number;
  /** Id of the task that ended the page before. */
  readonly after?: string;
}

/** Its methods are those of RunReader. */
export class TaskReader {
  readonly #seen: SeenRuns;

  constructor(seen: SeenRuns) {
    this.#seen = seen;
  }

  async get(id: string): Promise<TaskView> {
    const task = await this.#seen.task(id);
    const record = await this.#seen.record(task.runId);
    return this.#seen.shown(record, toTask(task, task.runId), maskTask);
  }

  async artifact(task: string, name: string): Promise<PresentedArtifact> {
    const shown = await this.get(task);
    const artifact = await readPresented(shown, readText(name, 'the name'), this.#seen.payloads);
    return this.#seen.shown(await this.#seen.record(shown.run), artifact);
  }

  async responses(task: string): Promise<ResponseView[]> {
    const found = await this.#seen.task(task);
    const record = await this.#seen.record(found.runId);
    const responses = (await this.#seen.rows.responses(found.run, task)).map(toResponse);
    const schema = parseSchema(found.responseSchemaJson);
    return this.#seen.shown(record, responses, ({ mask, found: secrets }, views) =>
      views.map((one) => ({ ...one, response: mask.value(schema, one.response, secrets) })),
    );
  }

  async list(filter: TaskFilter & { readonly answerableBy?: Principal } = {}): Promise<TaskView[]> {
    const { status = 'open', limit = 100, run, ...more } = readOptions(filter);
    readTextIfGiven(more.after, '`after`');
    readTextIfGiven(more.assignee, 'the assignee');
    const record = run === undefined ? undefined : await this.#seen.record(run);
    const tasks = await this.#seen.rows.listTasks({
      limit: readLimit(limit),
      tenant: this.#seen.tenant,
      ...(status !== 'any' && { status }),
      ...(record !== undefined && { run: record.run }),
      ...more,
    });
    return this.#views(tasks);
  }

  /** In their order; what is secret is looked for once a run. */
  async #views(tasks: readonly TaskRecord[]): Promise<TaskView[]> {
    const firstOf = new Map<number, TaskRecord>();
    for (const task of tasks) if (!firstOf.has(task.run)) firstOf.set(task.run, task);
    const views = new Map<string, TaskView>();
    const showRun = async ({ run, id }: TaskRecord) => {
      const { runId } = await this.#seen.task(id);
      const own = tasks.filter((task) => task.run === run).map((task) => toTask(task, runId));
      const record = await this.#seen.record(runId);
      const shown = await this.#seen.shown(record, own, (secrets, all) =>
        all.map((one) => maskTask(secrets, one)),
      );
      for (const view of shown) views.set(view.id, view);
    };
    await Promise.all([...firstOf.values()].map(showRun));
    return tasks.flatMap(({ id }) => views.get(id) ?? []);
  }
}

function parseSchema(json: string | null): JsonValue {
  return json === null ? true : (JSON.parse(json) as JsonValue);
}
