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

/** What a plan and the bodies of its loops share. */
interface Shared {
  nodes: number;
  readonly work: Record<string, ScriptedWork>;
  readonly responses: Record<string, JsonObject>;
}

/** Puts a plan together from parts with one entry and one exit each. */
class PlanDraft {
  readonly #random: Seeded;
  readonly #shared: Shared;
  /** Whether it is the body of a loop: there the moment of a failure would decide what else finishes. */
  readonly #isBody: boolean;
  readonly #nodes: JsonObject[] = [];
  readonly #edges: JsonObject[] = [];

  constructor(random: Seeded, shared?: Shared) {
    this.#random = random;
    this.#isBody = shared !== undefined;
    this.#shared = shared ?? { nodes: 0, work: {}, responses: {} };
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
      work: this.#shared.work,
      responses: this.#shared.responses,
    };
  }

  #part(depth: number): Part {
    const random = this.#random;
    if (depth === 0) return random.chance(0.85) ? this.#action() : this.#flakyAction();
    switch (random.int(0, 8)) {
      case 0:
        return this.#chain(depth);
      case 1:
        return this.#fan(depth);
      case 2:
        return this.#choice(depth);
      case 3:
        return this.#approval(depth);
      case 4:
        return this.#loop(depth);
      case 5:
        return this.#map();
      case 6:
        return this.#sleep();
      case 7:
        return this.#judgedAction();
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
      this.#shared.responses[approval.first] = random.pick<JsonObject>([
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

  #loop(depth: number): Part {
    const body = new PlanDraft(this.#random, this.#shared);
    body.#link(body.#action(), body.#part(depth - 1));
    return this.#add('loop', 'loop', {
      body: { nodes: body.#nodes, edges: body.#edges },
      maxIterations: this.#random.int(1, 3),
    });
  }

  #map(): Part {
    const random = this.#random;
    const items = Array.from({ length: random.int(0, 6) }, (_, item) => item);
    return this.#addWork('map', 'map', random.chance(0.2) ? 1 : 0, {
      items: JSON.stringify(items),
      policy: 'collect',
      concurrency: random.int(1, 3),
      retry: { maxInterruptions: CRASHES_SURVIVED },
    });
  }

  #sleep(): Part {
    return this.#add('sleep', 'sleep', { duration: this.#random.int(1, 60) });
  }

  #action(): Part {
    const random = this.#random;
    const failures = random.chance(0.04) ? 1 : 0;
    const mayAbort = !this.#isBody && random.chance(0.15);
    const onFailure = mayAbort ? 'abort' : random.pick(['skip', 'continue']);
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

  /** A person judges what it gives, and may refuse it; or nobody does, and the check decides nothing in time. */
  #judgedAction(): Part {
    const random = this.#random;
    const isLeftAlone = random.chance(0.15);
    const ask = isLeftAlone ? { deadlineMs: random.int(20, 300) } : {};
    const severity = random.pick(['blocking', 'warning']);
    const part = this.#addAction(0, {
      checks: [{ name: 'judged', severity, ask }],
      onFailure: 'skip',
      retry: { maxInterruptions: CRASHES_SURVIVED },
    });
    if (!isLeftAlone) {
      this.#shared.responses[part.first] = { approved: random.chance(0.7), comments: 'seen' };
    }
    return part;
  }

  #addAction(failures: number, settings: JsonObject): Part {
    return this.#addWork('action', 'action', failures, settings);
  }

  #addWork(name: string, kind: string, failures: number, settings: JsonObject): Part {
    const random = this.#random;
    const part = this.#add(name, kind, { handler: 'work', ...settings });
    this.#shared.work[part.first] = {
      beforeMs: random.int(0, 6),
      afterMs: random.int(0, 6),
      failures,
      ...(random.chance(0.85) && { output: { v: random.int(0, 5) } }),
      heedsSignal: random.chance(0.5),
    };
    return part;
  }

  #add(name: string, kind: string, settings: JsonObject): Part {
    const id = `${name}-${this.#shared.nodes}`;
    this.#shared.nodes += 1;
    this.#nodes.push({ kind, id, ...settings });
    return { first: id, last: id };
  }

  #link(before: Part, after: Part, edge: JsonObject = {}): Part {
    this.#edges.push({ source: before.last, target: after.first, ...edge });
    return { first: before.first, last: after.last };
  }
}
