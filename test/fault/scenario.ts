/**
 * Random plans, and what handlers and people do in them. Invariant: how a run ends depends on its
 * plan and script alone, never on time or on how often it was interrupted, so that an execution
 * without faults tells how one with faults has to end.
 */
import type { JsonObject } from '../../src/plan/json.js';
import { Seeded } from './seeded.js';

/** What the handler of a node does, try by try. */
export interface ScriptedWork {
  /** Times in milliseconds before and after its effect. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Tries that fail before one succeeds; more than the plan grants means that the node fails. */
  readonly failures: number;
  /** Absent: the handler returns undefined. */
  readonly output?: JsonObject;
  /** Whether it gives up when its signal is aborted. */
  readonly heedsSignal: boolean;
}

export interface ScriptedRun {
  readonly id: string;
  readonly plan: JsonObject;
  readonly input: JsonObject;
  readonly concurrency: number;
  readonly work: Readonly<Record<string, ScriptedWork>>;
  /** Response of each approval; one without is left to its deadline. */
  readonly responses: Readonly<Record<string, JsonObject>>;
  /** Cancelled once so many handlers of it have started. */
  readonly cancelAfter?: number;
}

export interface Scenario {
  readonly seed: number;
  readonly runs: readonly ScriptedRun[];
}

const CRASHES_SURVIVED = 100;

export function randomScenario(seed: number): Scenario {
  const random = new Seeded(seed);
  const count = random.int(2, 5);
  const cancelled = random.chance(0.5) ? random.int(0, count - 1) : -1;
  const runs = Array.from({ length: count }, (_, place) => {
    const drawn = new PlanDraft(random).run(`run-${place}`);
    return place === cancelled ? { ...drawn, cancelAfter: random.int(1, 4) } : drawn;
  });
  return { seed, runs };
}

/** First and last node of a part of a plan. */
interface Part {
  readonly first: string;
  readonly last: string;
}

/** Puts a plan together from parts with one entry and one exit each. */
class PlanDraft {
  readonly #random: Seeded;
  readonly #nodes: JsonObject[] = [];
  readonly #edges: JsonObject[] = [];
  readonly #work: Record<string, ScriptedWork> = {};
  readonly #responses: Record<string, JsonObject> = {};

  constructor(random: Seeded) {
    this.#random = random;
  }

  run(id: string): ScriptedRun {
    const random = this.#random;
    let whole = this.#action();
    for (let part = random.int(1, 3); part > 0; part -= 1) whole = this.#link(whole, this.#part(2));
    return {
      id,
      plan: { title: `Plan of ${id}`, nodes: this.#nodes, edges: this.#edges },
      input: { n: random.int(0, 5), run: id },
      concurrency: random.pick([1, 2, 4, 100]),
      work: this.#work,
      responses: this.#responses,
    };
  }

  #part(depth: number): Part {
    const random = this.#random;
    if (depth === 0) return random.chance(0.85) ? this.#action() : this.#flakyAction();
    switch (random.int(0, 4)) {
      case 0:
        return this.#chain(depth);
      case 1:
        return this.#fan(depth);
      case 2:
        return this.#choice(depth);
      case 3:
        return this.#approval(depth);
      default:
        return this.#forkByOutput(depth);
    }
  }

  #chain(depth: number): Part {
    const parts = Array.from({ length: this.#random.int(2, 5) }, () => this.#part(depth - 1));
    return parts.reduce((before, after) => this.#link(before, after));
  }

  #fan(depth: number): Part {
    const random = this.#random;
    const entry = this.#action();
    const width = random.int(2, 6);
    const rule = random.pick(['all', 'all', 'any', { count: random.int(1, 2) }]);
    const join = this.#add('join', 'join', { rule, onFailure: 'ignore' });
    for (let branch = 0; branch < width; branch += 1) {
      this.#link(this.#link(entry, this.#part(depth - 1)), join);
    }
    return { first: entry.first, last: join.last };
  }

  #choice(depth: number): Part {
    const random = this.#random;
    const choice = this.#add('switch', 'switch', { mode: random.pick(['exclusive', 'inclusive']) });
    const join = this.#add('join', 'join', { onFailure: 'ignore' });
    for (let branch = random.int(1, 3); branch > 0; branch -= 1) {
      const when = `inputs.n > ${random.int(0, 5)}`;
      this.#link(this.#link(choice, this.#part(depth - 1), { when }), join);
    }
    this.#link(this.#link(choice, this.#action(), { default: true }), join);
    return { first: choice.first, last: join.last };
  }

  #approval(depth: number): Part {
    const random = this.#random;
    const isLeftAlone = random.chance(0.15);
    const approval = this.#add(
      'approval',
      'human-approval',
      isLeftAlone ? { deadlineMs: random.int(20, 300), onFailure: 'skip' } : {},
    );
    if (!isLeftAlone) {
      this.#responses[approval.first] = random.pick<JsonObject>([
        { approved: true },
        { approved: true, v: 4 },
        { approved: false },
        { approved: true, requiredEdits: ['tone'] },
      ]);
    }
    const join = this.#add('join', 'join', { onFailure: 'ignore' });
    this.#link(this.#link(approval, this.#part(depth - 1)), join);
    const when = 'outcome != "approved"';
    this.#link(this.#link(approval, this.#action(), { when }), join);
    return { first: approval.first, last: join.last };
  }

  /** Branches that the output of an action decides; one without output fails its conditions. */
  #forkByOutput(depth: number): Part {
    const source = this.#action();
    const join = this.#add('join', 'join', { onFailure: 'ignore' });
    const when = `output.v > ${this.#random.int(0, 4)}`;
    this.#link(this.#link(source, this.#part(depth - 1), { when, onError: 'dead' }), join);
    this.#link(this.#link(source, this.#action(), { default: true }), join);
    return { first: source.first, last: join.last };
  }

  #action(): Part {
    const random = this.#random;
    const failures = random.chance(0.04) ? 1 : 0;
    const onFailure = random.chance(0.15) ? 'abort' : random.pick(['skip', 'continue']);
    const hasDefault = onFailure === 'continue' && random.chance(0.5);
    return this.#addAction(failures, {
      onFailure,
      ...(hasDefault && { defaultOutput: { v: 3 } }),
      retry: { maxInterruptions: CRASHES_SURVIVED },
    });
  }

  /** Fails a time or two and is tried again, at once or after a delay that a timer keeps. */
  #flakyAction(): Part {
    const random = this.#random;
    const maxAttempts = random.int(2, 4);
    const delay: JsonObject = random.chance(0.5)
      ? { backoff: 'none' }
      : { backoff: random.pick(['fixed', 'exponential']), delayMs: random.int(1, 80) };
    return this.#addAction(random.int(1, maxAttempts), {
      onFailure: 'skip',
      retry: { maxAttempts, maxInterruptions: CRASHES_SURVIVED, ...delay },
    });
  }

  #addAction(failures: number, settings: JsonObject): Part {
    const random = this.#random;
    const part = this.#add('action', 'action', { handler: 'work', ...settings });
    this.#work[part.first] = {
      beforeMs: random.int(0, 6),
      afterMs: random.int(0, 6),
      failures,
      ...(random.chance(0.85) && { output: { v: random.int(0, 5) } }),
      heedsSignal: random.chance(0.5),
    };
    return part;
  }

  #add(name: string, kind: string, settings: JsonObject): Part {
    const id = `${name}-${this.#nodes.length}`;
    this.#nodes.push({ kind, id, ...settings });
    return { first: id, last: id };
  }

  #link(before: Part, after: Part, edge: JsonObject = {}): Part {
    this.#edges.push({ source: before.last, target: after.first, ...edge });
    return { first: before.first, last: after.last };
  }
}
