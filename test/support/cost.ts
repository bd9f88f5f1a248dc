/** What work costs: processor time of this process, which others on the machine do not lengthen. */

/** Milliseconds of processor time. */
export function costOf(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** How many times more work costs at `factor` times the size: `factor` where it is linear, its square where it is quadratic. */
export function growth(work: (size: number) => unknown, size: number, factor: number): number {
  // The first times are those of a program that is still being compiled.
  const small = Math.min(...[1, 2, 3].map(() => costOf(() => work(size))));
  return costOf(() => work(size * factor)) / small;
}
