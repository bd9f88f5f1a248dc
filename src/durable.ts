import { RunchartError } from './errors.js';

/** Resolves with the write; rejects with `commit-failed`, which may pass. */
export async function durable(written: Promise<void>): Promise<void> {
  try {
    await written;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new RunchartError('commit-failed', message, { cause });
  }
}
