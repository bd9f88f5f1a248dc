/**
 * One watcher behind a WebSocket, in the form that receivers of @statelyai/inspect take: a JSON text per event.
 * Invariants: the next event is read only when the ones before are on their way, so that a stalled watcher costs a
 * bounded buffer; no more than `MAX_PER_SECOND` go out; who does not answer a ping is gone.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { RunchartError } from '../../errors.js';
import type { Inspection } from '../../inspect/inspection.js';

/** Bytes that may wait in a socket before the next event is read. */
const MAX_BUFFERED_BYTES = 256 * 1024;
const MAX_PER_SECOND = 10_000;
/** Events between two looks at the clock. */
const BURST = 500;
/** Silence of a watcher after which it is taken for gone, in milliseconds; it is asked twice meanwhile. */
const PING_MS = 15_000;

const NORMAL = 1000;
const FAILED = 1011;

/** Sends all that the inspection tells, then closes the socket. Never rejects. */
export async function sendInspection(socket: WebSocket, inspection: Inspection): Promise<void> {
  const stopPinging = keepAlive(socket);
  socket.once('close', () => inspection.detach());
  socket.on('error', () => socket.terminate());
  const pace = new Pace();
  try {
    for await (const event of inspection) {
      if (socket.readyState !== socket.OPEN) return;
      const sent = send(socket, JSON.stringify(event));
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) await sent;
      await pace.keep();
    }
    socket.close(NORMAL, 'the run has ended');
  } catch (error) {
    socket.close(FAILED, error instanceof RunchartError ? error.code : 'internal');
  } finally {
    stopPinging();
  }
}

/** Resolves when the text has left this process, or never will. */
function send(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    socket.send(text, () => resolve());
  });
}

class Pace {
  #count = 0;
  #since = performance.now();

  async keep(): Promise<void> {
    this.#count += 1;
    if (this.#count % BURST !== 0) return;
    const dueMs = (BURST / MAX_PER_SECOND) * 1_000 - (performance.now() - this.#since);
    if (dueMs > 0) await pause(dueMs);
    this.#since = performance.now();
  }
}

function keepAlive(socket: WebSocket): () => void {
  let isAlive = true;
  socket.on('pong', () => {
    isAlive = true;
  });
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, PING_MS);
  timer.unref();
  return () => clearInterval(timer);
}
