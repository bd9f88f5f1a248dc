/**
 * The alternatives of a dry run, gone through depth first: each path repeats the choices of an earlier
 * one up to a point, and takes another turn there. Alternatives that no path has shown yet go first.
 */

export interface Choice {
  /** Node run that it is made for; empty where it is about the run. */
  readonly node: string;
  readonly choice: string;
  /** What else could have been chosen there. */
  readonly others: readonly string[];
}

interface Made {
  /** Name of the node in its plan, whatever the iteration. */
  readonly name: string;
  readonly node: string;
  readonly options: readonly string[];
  readonly taken: number;
}

/** A path that has not been gone: that of `made` up to `at`, and there another turn. */
interface Turn {
  readonly made: readonly Made[];
  readonly at: number;
  readonly taken: number;
}

/** The choices of one path. */
export class Choices {
  readonly #turn: Turn | undefined;
  readonly #made: Made[] = [];

  constructor(turn?: Turn) {
    this.#turn = turn;
  }

  /** Index of the option that this path takes. Where there is one only, nothing is chosen. */
  pick(name: string, node: string, options: readonly string[]): number {
    if (options.length < 2) return 0;
    const taken = this.#repeated(this.#made.length);
    this.#made.push({ name, node, options, taken });
    return taken;
  }

  #repeated(at: number): number {
    if (this.#turn === undefined || at > this.#turn.at) return 0;
    return at === this.#turn.at ? this.#turn.taken : (this.#turn.made[at]?.taken ?? 0);
  }

  /** How many of its choices are those of an earlier path, or the other turn there. */
  get repeats(): number {
    return this.#turn === undefined ? 0 : this.#turn.at + 1;
  }

  get made(): readonly Made[] {
    return this.#made;
  }

  list(): readonly Choice[] {
    return this.#made.map(({ node, options, taken }) => ({
      node,
      choice: options[taken] ?? '',
      others: options.filter((_, index) => index !== taken),
    }));
  }
}

/** What is still to be gone through. */
export class Frontier {
  /** Alternatives that were not shown when they were found, and all others; the newest at the end. */
  readonly #fresh: Turn[] = [];
  readonly #shown: Turn[] = [];
  readonly #seen = new Set<string>();
  #isStarted = false;

  get isEmpty(): boolean {
    return this.#isStarted && this.#fresh.length + this.#shown.length === 0;
  }

  /** The choices of the next path. */
  next(): Choices {
    this.#isStarted = true;
    for (let turn = this.#fresh.pop(); turn !== undefined; turn = this.#fresh.pop()) {
      if (!this.#seen.has(keyOf(turn))) return new Choices(turn);
      this.#shown.push(turn);
    }
    return new Choices(this.#shown.pop());
  }

  /** A path was gone: what it could have done otherwise is left to do. */
  extend(choices: Choices): void {
    const { made, repeats: from } = choices;
    for (const { name, options, taken } of made) this.#seen.add(`${name} ${options[taken]}`);
    for (let at = from; at < made.length; at++) {
      const { options } = made[at] as Made;
      // The first option was taken: the path repeats nothing from here on.
      for (let taken = options.length - 1; taken > 0; taken--) {
        this.#fresh.push({ made, at, taken });
      }
    }
  }
}

function keyOf({ made, at, taken }: Turn): string {
  const { name, options } = made[at] as Made;
  return `${name} ${options[taken]}`;
}
