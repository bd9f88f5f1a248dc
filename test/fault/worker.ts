/**
 * The child: an orchestrator on the production build that starts, answers and cancels what its
 * assignment names, reports all that it was told is done, and is killed. Run it under plain Node.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HandlerContext, Logger } from '../../src/actors/handlers.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { PlanFor } from '../../src/plan/builder.js';
import type { JsonObject } from '../../src/plan/json.js';
import { loadProduct, type Product } from './built-product.js';
import { nodeOf } from './node-name.js';
import type { Assignment } from './protocol.js';
import { KillSwitch, report } from './report.js';
import type { ScriptedRun, ScriptedWork } from './scenario.js';
import { wrapJournal, wrapStore } from './wrapped-storage.js';

/** Time between two looks at the open tasks. */
const LOOK_MS = 4;
const SECOND_ANSWER: JsonObject = { approved: false, second: true };

class Child {
  readonly #assignment: Assignment;
  readonly #kill: KillSwitch;
  readonly #runs: ReadonlyMap<string, ScriptedRun>;
  readonly #calls = new Map<string, number>();
  readonly #cancelling = new Set<string>();
  readonly #answered = new Set<string>();
  #orchestrator!: Orchestrator;
  #isRecovering = false;
  #isOver = false;

  static async create(assignment: Assignment): Promise<Child> {
    const product = await loadProduct(assignment.product);
    report({ is: 'loaded', xstate: import.meta.resolve('xstate') });
    const child = new Child(assignment);
    await child.#open(product);
    return child;
  }

  private constructor(assignment: Assignment) {
    this.#assignment = assignment;
    this.#runs = new Map(assignment.scenario.runs.map((run) => [run.id, run]));
    this.#kill = new KillSwitch(assignment.killAt);
  }

  /** Opens the database, with the wrapped journal and store in between. */
  async #open({ createOrchestrator, openStorage }: Product): Promise<void> {
    const { database, defect } = this.#assignment;
    const storage = await openStorage({ database });
    this.#orchestrator = await createOrchestrator({
      storage: {
        ...storage,
        journal: wrapJournal(storage.journal, this.#kill, defect),
        store: wrapStore(storage.store, this.#kill, () => this.#isRecovering, defect),
      },
      handlers: { work: (input: unknown, context: HandlerContext) => this.#work(input, context) },
      logger: TROUBLE,
      recover: false,
    });
  }

  async carryOn(): Promise<void> {
    this.#isRecovering = true;
    await this.#orchestrator.recover();
    this.#isRecovering = false;
    report({ is: 'recovered' });
    const people = this.#answerTasks();
    const { scenario, answeredTasks } = this.#assignment;
    await Promise.all([
      ...scenario.runs.map((run) => this.#carryThrough(run)),
      ...answeredTasks.map((task) => this.#answerAgain(task)),
    ]);
    this.#isOver = true;
    await people;
    report({ is: 'done' });
    await this.#orchestrator.close();
  }

  /** Starts a run, again or for the first time, and follows it to its end. */
  async #carryThrough({ id, plan, input, concurrency }: ScriptedRun): Promise<void> {
    await this.#orchestrator.start(plan as unknown as PlanFor<JsonObject>, {
      id,
      input,
      concurrency,
    });
    report({ is: 'started', run: id });
    this.#kill.reach('after-acknowledgement');
    const following = this.#follow(id);
    if (this.#assignment.cancelledRuns.includes(id)) this.#cancel(id);
    const { status, outputs } = await this.#orchestrator.result(id);
    await following;
    report({ is: 'result', run: id, status, outputs });
  }

  async #follow(id: string): Promise<void> {
    for await (const { seq, type } of this.#orchestrator.events(id)) {
      report({ is: 'event', run: id, seq, type });
    }
  }

  /** One effect per call, between two delays; throws as often as its script says, over all processes. */
  async #work(_input: unknown, context: HandlerContext): Promise<JsonObject | undefined> {
    const { run, node, key, signal } = context;
    report({ is: 'called', run, node, key });
    this.#countCall(run);
    const work = this.#scriptOf(run, node);
    await sleep(work.beforeMs);
    if (work.heedsSignal) signal.throwIfAborted();
    this.#kill.reach('before-effect');
    report({ is: 'effect', run, node, key });
    this.#kill.reach('after-effect');
    await sleep(work.afterMs);
    if (work.failures > 0 && (await this.#failedTries(run, node)) < work.failures) {
      throw new Error('fails as its script says');
    }
    return work.output;
  }

  #scriptOf(run: string, node: string): ScriptedWork {
    const work = this.#runs.get(run)?.work[nodeOf(node)];
    if (work === undefined) throw new Error(`no script for ${run}/${node}`);
    return work;
  }

  async #failedTries(run: string, node: string): Promise<number> {
    const attempts = await this.#orchestrator.runs.attempts(run, node);
    return attempts.filter(({ outcome }) => outcome === 'failed').length;
  }

  #countCall(run: string): void {
    const calls = (this.#calls.get(run) ?? 0) + 1;
    this.#calls.set(run, calls);
    const { cancelAfter } = this.#runs.get(run) ?? {};
    if (cancelAfter !== undefined && calls >= cancelAfter) this.#cancel(run);
  }

  #cancel(run: string): void {
    if (this.#cancelling.has(run)) return;
    this.#cancelling.add(run);
    report({ is: 'cancelling', run });
    const settle = (code: string | null) => {
      report({ is: 'cancelled', run, code });
      this.#kill.reach('after-acknowledgement');
    };
    this.#orchestrator.cancel(run).then(
      () => settle(null),
      (error: unknown) => settle(codeOf(error)),
    );
  }

  /** Answers every task that it finds open, as its script says, and answers it once more. */
  async #answerTasks(): Promise<void> {
    while (!this.#isOver) {
      for (const { id, run, node } of await this.#orchestrator.runs.openTasks(1_000)) {
        const response = this.#runs.get(run)?.responses[nodeOf(node)];
        if (response === undefined || this.#answered.has(id)) continue;
        this.#answered.add(id);
        await this.#answer(run, id, response);
      }
      await sleep(LOOK_MS);
    }
  }

  async #answer(run: string, task: string, response: JsonObject): Promise<void> {
    try {
      const { outcome } = await this.#orchestrator.respond(task, { response });
      report({ is: 'answered', run, task, outcome });
      this.#kill.reach('after-acknowledgement');
    } catch (error) {
      // A run that ends closes its tasks.
      if (codeOf(error) !== 'task-closed') reportTrouble('respond', error);
      return;
    }
    await this.#answerAgain(task);
  }

  async #answerAgain(task: string): Promise<void> {
    try {
      await this.#orchestrator.respond(task, { response: SECOND_ANSWER });
      report({ is: 'answered-again', task, code: null });
    } catch (error) {
      report({ is: 'answered-again', task, code: codeOf(error) });
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function reportTrouble(what: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  report({ is: 'trouble', what, code: codeOf(error), message });
}

/** No fault of storage is in these rounds, so that nothing may be logged as an error. */
const TROUBLE: Logger = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) =>
    reportTrouble(message, 'error' in fields ? fields.error : JSON.stringify(fields)),
};

const child = await Child.create(
  JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Assignment,
);
await child.carryOn();
