/** Shows a run going on: one line that is redrawn in a terminal, a line per event elsewhere. */
import type { JsonObject, LiveRun, Orchestrator, RunEvent } from '../index.js';
import { note, oneLine } from './output.js';

export interface Progress {
  event(event: RunEvent): void;
  /** Leaves the terminal tidy. */
  end(): void;
}

export class LineProgress implements Progress {
  event(event: RunEvent): void {
    note(formatEvent(event));
  }

  end(): void {}
}

const CLEAR_LINE = '\r\u001b[2K';
/** Redrawing more often than this only flickers. */
const REDRAW_MS = 50;

/** Counts of statuses, as the newest commit left them. */
export class CountProgress implements Progress {
  readonly #stop: () => void;
  #latest: LiveRun | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(orchestrator: Orchestrator, run: string) {
    this.#stop = orchestrator.watch(run, (live) => {
      this.#latest = live;
      this.#timer ??= setTimeout(() => this.#draw(), REDRAW_MS);
    });
  }

  event(): void {}

  end(): void {
    this.#stop();
    clearTimeout(this.#timer);
    if (this.#latest === undefined) return;
    this.#draw();
    process.stderr.write('\n');
  }

  #draw(): void {
    this.#timer = undefined;
    if (this.#latest === undefined) return;
    const { status, nodes, seq } = this.#latest;
    const counts = Object.entries(nodes).filter(([, count]) => count > 0);
    const text = counts.map(([name, count]) => `${count} ${name}`).join(', ');
    const width = (process.stderr.columns ?? 80) - 1;
    process.stderr.write(`${CLEAR_LINE}${oneLine(`${status}: ${text} (event ${seq})`, width)}`);
  }
}

/** One event on one line. */
export function formatEvent(event: RunEvent): string {
  const { seq, type, node, attempt, detail } = event;
  const who = node === null ? '' : ` ${node}${attempt === null ? '' : ` #${attempt}`}`;
  return `${String(seq).padStart(4)} ${oneLine(`${type}${who}${explain(detail)}`)}`;
}

function explain(detail: JsonObject): string {
  const { to, reason, message, outcome, progress } = detail;
  const text = (reason as JsonObject | undefined)?.message ?? message ?? outcome;
  if (text !== undefined && text !== null) return `: ${String(text)}`;
  if (progress !== undefined) return `: ${JSON.stringify(progress)}`;
  return typeof to === 'string' ? ` -> ${to}` : '';
}
