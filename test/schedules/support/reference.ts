/** A naive scheduler: walks every occurrence and every end of a run, one moment after the other. */
import { type Cadence, nextOccurrence } from '../../../src/schedules/cadence.js';
import {
  type CatchUpPolicy,
  jitterOf,
  type OverlapPolicy,
} from '../../../src/schedules/schedule.js';
import { GRACE_MS } from './world.js';

export interface Story {
  readonly cadence: Cadence;
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
  readonly jitterMs: number;
  /** When the schedule is made, and when the story is over. */
  readonly from: number;
  readonly to: number;
  /** When the process stops and starts by turns. */
  readonly switches: readonly number[];
  /** When a run that starts now ends, if nobody cancels it. */
  readonly endOf: (occurrence: number, now: number) => number;
}

export interface Started {
  readonly occurrence: number;
  readonly at: number;
}

/** What the story's schedule starts, in order. */
export function naiveStarts(story: Story): Started[] {
  const scheduler = new NaiveScheduler(story);
  const switches = new Set(story.switches);
  const dueAt = firesOf(story);
  const moments = [...new Set([...dueAt.keys(), ...switches, story.to])].sort((a, b) => a - b);
  for (const now of moments) {
    scheduler.endUntil(now);
    if (switches.has(now)) scheduler.turn(now);
    scheduler.occur(dueAt.get(now) ?? [], now);
  }
  return scheduler.started;
}

/** Occurrences by the moment at which they are due; one waits for those before it. */
function firesOf({ cadence, jitterMs, from, to }: Story): Map<number, number[]> {
  const fires = new Map<number, number[]>();
  let fire = from;
  for (let at = nextOccurrence(cadence, from); at !== undefined; at = nextOccurrence(cadence, at)) {
    fire = Math.max(fire, at + jitterOf({ id: 's', jitterMs }, at));
    if (fire > to) break;
    fires.set(fire, [...(fires.get(fire) ?? []), at]);
  }
  return fires;
}

class NaiveScheduler {
  readonly started: Started[] = [];
  readonly #story: Story;
  #isUp = true;
  #missed: number[] = [];
  #queue: number[] = [];
  /** When the run that works now ends. */
  #end: number | undefined;

  constructor(story: Story) {
    this.#story = story;
  }

  endUntil(now: number): void {
    while (this.#end !== undefined && this.#end <= now) {
      const end = this.#end;
      this.#end = undefined;
      if (this.#isUp) this.#takeFromQueue(end);
    }
  }

  turn(now: number): void {
    this.#isUp = !this.#isUp;
    if (!this.#isUp) return;
    const missed = this.#missed;
    this.#missed = [];
    if (this.#story.overlap === 'replace' && this.#kept(missed, now).length > 0) this.#queue = [];
    if (this.#end === undefined) this.#takeFromQueue(now);
    this.#handle(missed, now);
  }

  occur(occurrences: readonly number[], now: number): void {
    if (this.#isUp) this.#handle(occurrences, now);
    else this.#missed.push(...occurrences);
  }

  #handle(occurrences: readonly number[], now: number): void {
    const kept = this.#kept(occurrences, now);
    const offered = this.#story.overlap === 'replace' ? kept.slice(-1) : kept;
    for (const occurrence of offered) this.#offer(occurrence, now);
  }

  #kept(occurrences: readonly number[], now: number): readonly number[] {
    const { catchUp, jitterMs } = this.#story;
    const newest = occurrences.slice(-1);
    if (catchUp === 'latest') return newest;
    if (catchUp !== 'none') return occurrences.slice(-catchUp.max);
    return newest.filter((at) => now <= at + jitterOf({ id: 's', jitterMs }, at) + 60_000);
  }

  #offer(occurrence: number, now: number): void {
    const { overlap } = this.#story;
    if (overlap === 'allow' || this.#end === undefined) return this.#start(occurrence, now);
    if (overlap === 'queue' && this.#queue.length < 100) this.#queue.push(occurrence);
    if (overlap !== 'replace') return;
    this.#queue = [occurrence];
    this.#end = Math.min(this.#end, now + GRACE_MS);
  }

  #takeFromQueue(now: number): void {
    const next = this.#queue.shift();
    if (next !== undefined) this.#start(next, now);
  }

  #start(occurrence: number, now: number): void {
    this.started.push({ occurrence, at: now });
    if (this.#story.overlap !== 'allow') this.#end = this.#story.endOf(occurrence, now);
  }
}
