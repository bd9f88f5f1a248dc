/**
 * Shows the run in the Stately inspector: a page of stately.ai in a frame, which is handed what the stream brings.
 * That page says when it is ready; what came before is kept until then.
 */
import type { InspectionEvent } from '../../src/inspect/inspection-event.js';
import { openSession, watchRun } from './server.js';
import './style.css';

const INSPECTOR = 'https://stately.ai';
const frame = document.getElementById('inspector') as HTMLIFrameElement;

async function show(run: string): Promise<void> {
  await openSession();
  await isReady();
  await watchRun(run, { onEvents: (events) => events.forEach(hand), onClose: () => {} }, 'each');
}

/** Resolves when the page in the frame has said that it listens: only then is anything asked for. */
function isReady(): Promise<void> {
  return new Promise((resolve) => {
    window.addEventListener('message', ({ data, source, origin }) => {
      if (origin !== INSPECTOR || source !== frame.contentWindow) return;
      if ((data as { type?: unknown } | null)?.type === '@statelyai.connected') resolve();
    });
    frame.src = `${INSPECTOR}/inspect`;
  });
}

function hand(event: InspectionEvent): void {
  frame.contentWindow?.postMessage(event, INSPECTOR);
}

show(new URLSearchParams(location.search).get('run') ?? '').catch((error: Error) => {
  document.body.textContent = error.message;
});
