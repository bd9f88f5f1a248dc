/** Calls that may succeed later are made again, a bounded number of times, with growing pauses. */
import type { Clock } from '../actors/environment.js';
import { RunchartError } from '../errors.js';

const MAX_TRIES = 12;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 10_000;

/** Rejects with the last error: the first that nothing can be done about, or that of the last try. The signal ends it early. */
export async function persevere<T>(
  clock: Clock,
  call: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (!mayHelp(error) || tries === MAX_TRIES || signal?.aborted === true) throw error;
    }
    await pause(clock, Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), MAX_PAUSE_MS), signal);
  }
}

/** An orchestrator that closes does not open again. */
function mayHelp(error: unknown): boolean {
  return error instanceof RunchartError && error.retryable && error.code !== 'closing';
}

async function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  let wake = () => {};
  const over = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const callOff = clock.wakeAt(clock.now() + ms, wake);
  signal?.addEventListener('abort', wake);
  await over;
  signal?.removeEventListener('abort', wake);
  callOff();
}
