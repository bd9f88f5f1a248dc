/** What is measured. Each returns rows; a ratio is always against something done in the same process. */
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TurnRecord } from '../dist/actors/records.js';
import type { Plan } from '../dist/index.js';
import type { Orchestrator } from '../dist/orchestrator.js';
import { chain, fan, flaky, loop, mapped, parked } from './plans.js';
import { openRig, replaySeconds, withDirectory } from './rig.js';

export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly ratio?: number;
  /** What the ratio is to. */
  readonly baseline?: string;
}

/** What is run, and what is counted of it. */
interface Load {
  readonly plan: Plan;
  readonly runs: number;
  readonly input?: unknown;
  readonly units: number;
  readonly unit: string;
  /** Turns in one transaction of the bare writer, where the product cannot gather more. */
  readonly perCommit?: number;
}

function nodes(plan: Plan, runs: number, perCommit?: number): Load {
  const units = plan.nodes.length * runs;
  return { plan, runs, units, unit: 'nodes/s', ...(perCommit && { perCommit }) };
}

/** Seconds from the first start to the end of the last run, on a warm orchestrator. */
async function timeRuns(
  load: Pick<Load, 'plan' | 'runs' | 'input'>,
  record?: (turn: TurnRecord) => void,
): Promise<number> {
  return withDirectory(async (directory) => {
    let isWarm = false;
    const rig = await openRig(join(directory, 'bench.db'), {
      ...(record && { record: (turn) => isWarm && record(turn) }),
    });
    // A new journal thread starts with cold code: a service pays for that once, and not per run.
    await runAll(rig, { plan: chain(100), runs: 10 });
    isWarm = true;
    const started = performance.now();
    await runAll(rig, load);
    const seconds = (performance.now() - started) / 1_000;
    await rig.close();
    return seconds;
  });
}

async function runAll(
  rig: Orchestrator,
  { plan, runs, input }: Pick<Load, 'plan' | 'runs' | 'input'>,
): Promise<void> {
  const ended = Array.from({ length: runs }, async () => {
    const run = await rig.start(plan, { input });
    const status = await rig.settled(run.id);
    if (status !== 'completed') throw new Error(`run ${run.id} is ${status}`);
  });
  await Promise.all(ended);
}

/** Repeats the product and the bare writer in turn, and takes the medians: both see the same noise. */
async function throughput(name: string, load: Load): Promise<Row> {
  const { units, unit, perCommit } = load;
  const turns: TurnRecord[] = [];
  await timeRuns(load, (turn) => turns.push(turn));
  const seconds: number[] = [];
  const ratios: number[] = [];
  for (let i = 0; i < repeats(units); i++) {
    const own = await timeRuns(load);
    const bare = await replaySeconds(turns, perCommit);
    seconds.push(own);
    ratios.push(bare / own);
  }
  return {
    name,
    value: units / median(seconds),
    unit,
    ratio: median(ratios),
    baseline:
      perCommit === 1
        ? 'bare journal writer, one turn per commit'
        : 'bare journal writer, same rows',
  };
}

function repeats(units: number): number {
  return units > 20_000 ? 1 : units > 2_000 ? 3 : 7;
}

export async function* throughputs(maxSize: number): AsyncGenerator<Row> {
  const perNode = new Map<string, number>();
  for (const size of [100, 1_000, 10_000, 100_000].filter((size) => size <= maxSize)) {
    for (const row of [
      await throughput(`chain-${size}`, nodes(chain(size), 1, 1)),
      await throughput(`fan-${size}`, nodes(fan(size), 1)),
    ]) {
      perNode.set(row.name, 1 / row.value);
      yield row;
    }
  }
  for (const runs of [200, 1_000]) yield await throughput(`runs-${runs}`, nodes(chain(10), runs));
  for (const shape of ['chain', 'fan']) {
    const large = perNode.get(`${shape}-${maxSize}`);
    const small = perNode.get(`${shape}-1000`);
    if (large === undefined || small === undefined) continue;
    const ratio = large / small;
    yield {
      name: `flatness-${shape}`,
      value: ratio,
      unit: 'x',
      ratio,
      baseline: `cost per node at ${maxSize} over 1000`,
    };
  }
}

/** A map over more and more items: their scope has no edges, and each is a node run of its own. */
export async function* maps(maxSize: number): AsyncGenerator<Row> {
  yield* growing('map', [1_000, 10_000, 100_000], maxSize, (size) => ({
    plan: mapped,
    runs: 1,
    input: Array.from({ length: size }, (_, i) => i),
    units: size,
    unit: 'nodes/s',
  }));
}

/** A loop of more and more iterations: each waits for the one before, as the nodes of a chain do. */
export async function* loops(maxSize: number): AsyncGenerator<Row> {
  yield* growing('loop', [100, 1_000, 10_000], maxSize, (size) => ({
    plan: loop(size),
    runs: 1,
    units: size,
    unit: 'iterations/s',
    perCommit: 1,
  }));
}

/** One shape in several sizes, and what a unit of the largest costs over one of the smallest. */
async function* growing(
  shape: string,
  sizes: readonly number[],
  maxSize: number,
  load: (size: number) => Load,
): AsyncGenerator<Row> {
  const measured: { readonly size: number; readonly perSecond: number }[] = [];
  for (const size of sizes.filter((size) => size <= maxSize)) {
    const row = await throughput(`${shape}-${short(size)}`, load(size));
    measured.push({ size, perSecond: row.value });
    yield row;
  }
  const smallest = measured[0];
  const largest = measured.at(-1);
  if (smallest === undefined || largest === undefined || smallest === largest) return;
  const ratio = smallest.perSecond / largest.perSecond;
  yield {
    name: `flatness-${shape}`,
    value: ratio,
    unit: 'x',
    ratio,
    baseline: `cost at ${largest.size} over ${smallest.size}`,
  };
}

function short(size: number): string {
  return size < 1_000 ? String(size) : `${size / 1_000}k`;
}

/** Nodes that fail once: each has two attempts. */
export function retries(maxSize: number): Promise<Row> {
  return throughput('retry', nodes(flaky(Math.min(maxSize, 10_000)), 1));
}

/** Event loop delay while a thousand runs go on side by side. */
export async function lag(): Promise<Row> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await timeRuns({ plan: chain(10), runs: 1_000 });
  delay.disable();
  return { name: 'lag', value: delay.percentile(99) / 1e6, unit: 'ms p99' };
}

/** Memory of a parked run, and the time from an answer to its commit. */
export async function* parking(runs = 5_000, wakes = 500): AsyncGenerator<Row> {
  yield* await withDirectory(async (directory) => {
    const rig = await openRig(join(directory, 'bench.db'));
    await park(rig, 500);
    const before = heapUsed();
    await park(rig, runs);
    const bytes = (heapUsed() - before) / runs;
    const tasks = await rig.runs.openTasks(wakes);
    const waits: number[] = [];
    for (const task of tasks) {
      const started = performance.now();
      await rig.respond(task.id, { response: { approved: true } });
      waits.push(performance.now() - started);
      await rig.settled(task.run);
    }
    await rig.close();
    return [
      { name: 'park', value: Math.max(0, bytes), unit: 'bytes per parked run' },
      { name: 'wake', value: median(waits), unit: 'ms median' },
    ];
  });
}

async function park(rig: Orchestrator, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 500) {
    const batch = Array.from({ length: Math.min(left, 500) }, async () => {
      const run = await rig.start(parked);
      await rig.settled(run.id);
    });
    await Promise.all(batch);
  }
}

/** Takes up ten thousand runs that a stopped process left in the middle of an attempt. */
export async function resume(runs = 10_000): Promise<Row> {
  return withDirectory(async (directory) => {
    const database = join(directory, 'bench.db');
    const first = await openRig(database, {
      handlers: { noop: () => new Promise(() => {}) },
      limits: { concurrency: runs, drainMs: 0 },
    });
    for (let left = runs; left > 0; left -= 500) {
      await Promise.all(Array.from({ length: Math.min(left, 500) }, () => first.start(chain(10))));
    }
    await first.close();
    const second = await openRig(database, { limits: { concurrency: runs } });
    const started = performance.now();
    await second.recover();
    const seconds = (performance.now() - started) / 1_000;
    await second.close();
    return { name: 'resume', value: runs / seconds, unit: 'runs/s' };
  });
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) collect();
  return process.memoryUsage().heapUsed;
}

/** The one in the middle. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
