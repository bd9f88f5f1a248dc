/** What an operator of one tenant changes. */
import type { Replanned } from './actors/run/replan.js';
import type {
  ChangedNode,
  ChangeOptions,
  CompleteNodeOptions,
  ForkedRun,
  ForkOptions,
  PatchInputOptions,
  ReplaceOptions,
  ReplanOptions,
} from './change/change-options.js';
import type { RunChanges } from './change/run-changes.js';
import type { Plan } from './plan/schema.js';
import { readOptions } from './read-arguments.js';

interface Own {
  /** The full id of a run. Throws `run-unknown`. */
  id(run: string): string;
  /** Who asks. Throws `principal-mismatch`. */
  by(given: string): string | undefined;
}

/** Each method as of RunChanges. */
export class TenantChanges implements Omit<RunChanges, 'recover' | 'replacementOf'> {
  readonly #changes: RunChanges;
  readonly #own: Own;

  constructor(changes: RunChanges, own: Own) {
    this.#changes = changes;
    this.#own = own;
  }

  async completeNode(
    run: string,
    node: string,
    options: CompleteNodeOptions,
  ): Promise<ChangedNode> {
    return this.#changes.completeNode(this.#own.id(run), node, this.#asked(options));
  }

  async skipNode(run: string, node: string, options: ChangeOptions): Promise<ChangedNode> {
    return this.#changes.skipNode(this.#own.id(run), node, this.#asked(options));
  }

  async patchInput(run: string, node: string, options: PatchInputOptions): Promise<ChangedNode> {
    return this.#changes.patchInput(this.#own.id(run), node, this.#asked(options));
  }

  async rollback(run: string, node: string, options: ChangeOptions): Promise<void> {
    return this.#changes.rollback(this.#own.id(run), node, this.#asked(options));
  }

  async replan(run: string, plan: Plan, options: ReplanOptions): Promise<Replanned> {
    return this.#changes.replan(this.#own.id(run), plan, this.#asked(options));
  }

  async fork(run: string, options: ForkOptions): Promise<ForkedRun> {
    return this.#changes.fork(this.#own.id(run), this.#asked(options));
  }

  async retry(run: string, options: ChangeOptions & { readonly id?: string }): Promise<ForkedRun> {
    return this.#changes.retry(this.#own.id(run), this.#asked(options));
  }

  async replace(run: string, plan: Plan, options: ReplaceOptions): Promise<ForkedRun> {
    return this.#changes.replace(this.#own.id(run), plan, this.#asked(options));
  }

  #asked<T extends ChangeOptions>(options: T): T {
    const { by } = readOptions(options);
    return { ...options, by: this.#own.by(by) ?? by };
  }
}
