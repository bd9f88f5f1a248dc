/** Time, chance and ids, injected everywhere, so that tests and simulations decide them. */
import { uuidv7 } from 'uuidv7';

/** Milliseconds since the epoch, and wake-ups at such a time. Order never depends on it. */
export interface Clock {
  now(): number;
  /** Calls `wake` once, not before `at`; returns a function that calls it off. */
  wakeAt(at: number, wake: () => void): () => void;
}

/** Where time, ids and chance come from; replaced in tests and simulations. */
export interface Environment {
  readonly clock: Clock;
  /** A new unique id. */
  id(): string;
  /** A number from 0 (inclusive) to 1 (exclusive). */
  random(): number;
}

/** Longest delay that a JavaScript timer takes; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

const systemClock: Clock = {
  now: () => Date.now(),
  wakeAt(at, wake) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const delayMs = at - Date.now();
      const timerMs = Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS);
      timer = setTimeout(delayMs > LONGEST_DELAY_MS ? arm : wake, timerMs);
    };
    arm();
    return () => clearTimeout(timer);
  },
};

export const systemEnvironment: Environment = {
  clock: systemClock,
  id: () => uuidv7(),
  random: () => Math.random(),
};

/** Resolves once `ms` milliseconds have passed on the clock. */
export function elapse(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.wakeAt(clock.now() + ms, resolve);
  });
}

/** Resolves when the work is done, or once `limitMs` milliseconds have passed, whichever is first. */
export async function atMost(clock: Clock, limitMs: number, work: Promise<void>): Promise<void> {
  let callOff = () => {};
  const expired = new Promise<void>((resolve) => {
    callOff = clock.wakeAt(clock.now() + limitMs, resolve);
  });
  await Promise.race([work, expired]);
  callOff();
}
