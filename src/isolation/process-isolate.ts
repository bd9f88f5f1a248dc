/** Isolates that are processes. Invariant: none outlives this process, not even one that is blocked. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Isolate, IsolateEnd, IsolateEvents, IsolateOptions } from './isolate.js';

const ENTRY = fileURLToPath(new URL('./worker-entry.js', import.meta.url));
/** How long a process that was idle may take to end by itself, in milliseconds. */
const RETIRE_MS = 1_000;
/** A program in the arguments, and a debugger's port, are this process's own. */
const OWN_FLAG = /^(-e|-p|-pe|--eval|--print|--input-type|--watch|--test|--inspect)\b/;
const BEFORE_PROGRAM = /^(-e|-p|-pe|--eval|--print)$/;

/** Starts a process with `memoryLimitMb` megabytes of old heap. What it prints goes to stderr. */
export function startProcess(options: IsolateOptions, events: IsolateEvents): Isolate {
  const child = fork(ENTRY, [String(process.pid)], {
    serialization: 'advanced',
    stdio: ['ignore', 2, 2, 'ipc'],
    execArgv: flags(options.memoryLimitMb),
    ...(options.env && { env: { ...options.env } }),
  });
  child.on('message', events.message);
  onceGone(child, events.ended);
  return new ProcessIsolate(child);
}

function flags(memoryLimitMb: number | undefined): string[] {
  const inherited = process.execArgv.filter(
    (flag, index, all) => !OWN_FLAG.test(flag) && !BEFORE_PROGRAM.test(all[index - 1] ?? ''),
  );
  return memoryLimitMb === undefined
    ? inherited
    : [...inherited, `--max-old-space-size=${memoryLimitMb}`];
}

/** `close` comes after the last message, `exit` need not. A process that could not start has neither. */
function onceGone(child: ChildProcess, ended: (end: IsolateEnd) => void): void {
  child.once('close', (code, signal) => {
    if (child.pid !== undefined) ended(processEnd(code, signal));
  });
  child.on('error', (cause) => {
    if (child.pid !== undefined) return;
    ended({
      code: 'handler-exited',
      message: `the handler's process could not start: ${cause.message}`,
      cause,
    });
  });
  // Without its channel it is of no use, whoever closed it.
  child.once('disconnect', () => killLater(child));
}

function processEnd(code: number | null, signal: NodeJS.Signals | null): IsolateEnd {
  // Node ends itself so when its heap is full; on some systems that is an exit code.
  if (signal === 'SIGABRT' || code === 134) {
    return {
      code: 'handler-out-of-memory',
      message: "the handler's process aborted, as it does when its heap is full",
    };
  }
  const how = signal === null ? `with code ${code}` : `by ${signal}`;
  return { code: 'handler-exited', message: `the handler's process ended ${how}` };
}

function killLater(child: ChildProcess): void {
  const timer = setTimeout(() => child.kill('SIGKILL'), RETIRE_MS).unref();
  child.once('exit', () => clearTimeout(timer));
}

class ProcessIsolate implements Isolate {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  post(message: object): void {
    // A channel that broke shows in the end of the process.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  hold(): void {
    this.#child.ref();
    this.#child.channel?.ref();
  }

  letGo(): void {
    this.#child.unref();
    this.#child.channel?.unref();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  retire(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
