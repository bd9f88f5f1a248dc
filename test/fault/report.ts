/** The child's way to the driver. Invariant: a line is in the pipe before the call returns, so that a kill cannot take it back. */
import { writeSync } from 'node:fs';
import type { Assignment, KillPoint, Line, StorageLine } from './protocol.js';

/** Descriptor of the pipe to the driver. */
export const REPORT_FD = 3;

export function report(line: Line | StorageLine): void {
  writeSync(REPORT_FD, `${JSON.stringify(line)}\n`);
}

/** Ends the process at the point that was assigned, and at no other. */
export class KillSwitch {
  readonly #killAt: Assignment['killAt'];
  #reached = 0;

  constructor(killAt: Assignment['killAt']) {
    this.#killAt = killAt;
  }

  /** Counts that `point` is reached; true where this is the time to die. */
  isDue(point: KillPoint): boolean {
    if (this.#killAt?.point !== point) return false;
    this.#reached += 1;
    return this.#reached === this.#killAt.nth;
  }

  reach(point: KillPoint): void {
    if (this.isDue(point)) this.die(point);
  }

  die(point: KillPoint): never {
    report({ is: 'point', point });
    process.kill(process.pid, 'SIGKILL');
    for (;;);
  }
}
