/** Entry of a thread beside an isolated handler: ends the process when its parent is gone, also where the handler blocks it. */
import { workerData } from 'node:worker_threads';

/** How often the parent is looked for, in milliseconds. */
const PERIOD_MS = 1_000;

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL');
}, PERIOD_MS);
