/**
 * What watching costs the runs: nobody has ever watched, somebody has and has left, every run is watched through
 * the inspector's stream. The three take turns, so that they see the same noise.
 */
import { join } from 'node:path';
import type { Orchestrator } from '../dist/orchestrator.js';
import { median, type Row } from './measures.js';
import { chain } from './plans.js';
import { openRig, withDirectory } from './rig.js';

const RUNS = 200;
const NODES = 10;
const ROUNDS = 7;

type Watching = 'never' | 'before' | 'now';

export async function* inspect(): AsyncGenerator<Row> {
  const rates: Record<Watching, number[]> = { never: [], before: [], now: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const watching of ['never', 'before', 'now'] as const) {
      rates[watching].push(await nodesPerSecond(watching));
    }
  }
  const never = median(rates.never);
  const baseline = 'runs that nobody ever watched';
  for (const [name, watching] of [
    ['inspect-detached', 'before'],
    ['inspect-watched', 'now'],
  ] as const) {
    const value = median(rates[watching]);
    yield { name, value, unit: 'nodes/s', ratio: value / never, baseline };
  }
}

function nodesPerSecond(watching: Watching): Promise<number> {
  return withDirectory(async (directory) => {
    const rig = await openRig(join(directory, 'bench.db'));
    await runAll(rig, watching !== 'never');
    const begun = performance.now();
    await runAll(rig, watching === 'now');
    const seconds = (performance.now() - begun) / 1_000;
    await rig.close();
    return (RUNS * NODES) / seconds;
  });
}

async function runAll(rig: Orchestrator, isWatched: boolean): Promise<void> {
  const watchers: Promise<void>[] = [];
  const ended = Array.from({ length: RUNS }, async () => {
    const { id } = await rig.start(chain(NODES));
    if (isWatched) watchers.push(readAll(rig, id));
    const status = await rig.settled(id);
    if (status !== 'completed') throw new Error(`run ${id} is ${status}`);
  });
  await Promise.all(ended);
  await Promise.all(watchers);
}

async function readAll(rig: Orchestrator, run: string): Promise<void> {
  let told = 0;
  for await (const _ of rig.inspect(run)) told += 1;
  if (told < NODES) throw new Error(`the watcher of run ${run} was told ${told} things`);
}
