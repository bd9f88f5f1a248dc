/** Compiled plan versions by hash, the most recently used of them: all runs of a version share one. */
import { RunchartError } from '../errors.js';
import {
  type CompileOptions,
  type CompileResult,
  compilePlan,
  compilePlanOrThrow,
} from '../plan/compile.js';
import { formatIssues } from '../plan/issue.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { Plan } from '../plan/schema.js';
import { RecentMap } from '../recent-map.js';

/** Longest draft that is recognised by its text, in characters. */
const MAX_TEXT = 100_000;

export class PlanCache {
  readonly #byText: RecentMap<string, PlanVersion>;
  readonly #versions: RecentMap<string, PlanVersion>;
  readonly #options: CompileOptions;

  constructor({ limit = 100, ...options }: CompileOptions & { readonly limit?: number } = {}) {
    this.#byText = new RecentMap(limit);
    this.#versions = new RecentMap(limit);
    this.#options = options;
  }

  get(hash: string): PlanVersion | undefined {
    const version = this.#versions.get(hash);
    if (version !== undefined) this.put(version);
    return version;
  }

  put(version: PlanVersion): void {
    this.#versions.set(version.hash, version);
  }

  /** Compiles a draft, whatever comes of it. */
  tryCompile(draft: unknown): CompileResult {
    return compilePlan(draft, this.#options);
  }

  /** The version of a draft; one that was compiled before is recognised by its text. Throws PlanInvalidError. */
  compile(draft: Plan): PlanVersion {
    const text = textOf(draft);
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const version = compilePlanOrThrow(draft, this.#options);
    if (text !== '' && text.length <= MAX_TEXT) this.#byText.set(text, version);
    this.put(version);
    return version;
  }

  /** The version with this hash, compiled from its stored text where it is not at hand. */
  fromStored(hash: string, planJson: string): PlanVersion {
    const cached = this.get(hash);
    if (cached !== undefined) return cached;
    const compiled = this.tryCompile(JSON.parse(planJson));
    if (!compiled.ok) {
      throw new RunchartError(
        'run-unrestorable',
        `plan ${hash} does not compile in this version: ${formatIssues(compiled.issues)}`,
      );
    }
    if (compiled.version.hash !== hash) {
      throw new RunchartError('run-unrestorable', `plan ${hash} does not match its hash`);
    }
    this.put(compiled.version);
    return compiled.version;
  }
}

/** Empty for what has no text: a cycle, or a value that throws when it is read, which the compiler refuses by its place. */
function textOf(draft: Plan): string {
  try {
    return JSON.stringify(draft) ?? '';
  } catch {
    return '';
  }
}
