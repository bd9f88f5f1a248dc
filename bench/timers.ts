/** What pending timers cost: to arm, to fire, and to start again with. Time is put forward, so nothing waits. */
import { join } from 'node:path';
import type { TurnRecord } from '../dist/actors/records.js';
import type { Orchestrator } from '../dist/orchestrator.js';
import type { Row } from './measures.js';
import { sleepers } from './plans.js';
import { ForwardClock, loadSeconds, openRig, replaySeconds, withDirectory } from './rig.js';

/** Sleeping nodes of each run. */
const PER_RUN = 100;
const SLEEP_MS = 86_400_000;
const STARTS_AT_ONCE = 50;
/** What a timer costs where so many are due is what flatness is measured against. */
const FEW = 10_000;

interface Phase {
  readonly seconds: number;
  readonly turns: readonly TurnRecord[];
}

interface Life {
  readonly arm: Phase;
  readonly restart: Phase;
  readonly fire: Phase;
  /** Seconds in which the rows of the runs are read, and nothing is done with them. */
  readonly loadSeconds: number;
}

/** Most timers that are pending at once, in runs of `perRun` sleepers. */
export async function* timers(maxSize: number, perRun = PER_RUN): AsyncGenerator<Row> {
  const runs = Math.ceil(Math.min(maxSize, 100_000) / perRun);
  const count = runs * perRun;
  // Recorded in a life of its own: what is kept for the replay slows the collector down.
  const { arm, restart, fire } = await live(runs, perRun, true);
  const own = await live(runs, perRun, false);
  const bareArm = await replaySeconds(arm.turns);
  yield perTimer('timers-arm', count, own.arm.seconds, bareArm);
  const bareRestart = own.loadSeconds + (await replaySeconds(restart.turns, undefined, arm.turns));
  yield {
    name: 'timers-restart',
    value: own.restart.seconds,
    unit: `s with ${count} pending`,
    ratio: bareRestart / own.restart.seconds,
    baseline: 'bare reader and journal writer, same rows',
  };
  const before = [...arm.turns, ...restart.turns];
  const bareFire = await replaySeconds(fire.turns, undefined, before);
  yield perTimer('timers-fire', count, own.fire.seconds, bareFire);
  if (count <= FEW) return;
  const few = await live(FEW / perRun, perRun, false);
  const ratio = own.fire.seconds / count / (few.fire.seconds / FEW);
  yield {
    name: 'flatness-timers',
    value: ratio,
    unit: 'x',
    ratio,
    baseline: `cost to fire with ${count} due over ${FEW}`,
  };
}

function perTimer(name: string, count: number, seconds: number, bareSeconds: number): Row {
  return {
    name,
    value: (seconds * 1e6) / count,
    unit: 'us per timer',
    ratio: bareSeconds / seconds,
    baseline: 'bare journal writer, same rows',
  };
}

/** Arms all timers in one process, starts another with them pending, and lets them fire there. */
async function live(runs: number, perRun: number, isRecorded: boolean): Promise<Life> {
  return withDirectory(async (directory) => {
    const database = join(directory, 'bench.db');
    const clock = new ForwardClock();
    let turns: TurnRecord[] = [];
    const options = {
      clock,
      ...(isRecorded && { record: (turn: TurnRecord) => turns.push(turn) }),
    };
    const phase = async (work: () => Promise<void>): Promise<Phase> => {
      turns = [];
      const started = performance.now();
      await work();
      return { seconds: (performance.now() - started) / 1_000, turns };
    };

    let rig = await openRig(database, options);
    const ids: string[] = [];
    const arm = await phase(async () => {
      ids.push(...(await startAll(rig, runs, perRun)));
    });
    await rig.close();
    const readSeconds = await loadSeconds(database, ids);
    const restart = await phase(async () => {
      rig = await openRig(database, options);
      await rig.recover();
    });
    const fire = await phase(async () => {
      clock.putForward(SLEEP_MS);
      await Promise.all(ids.map((id) => rig.settled(id)));
    });
    await rig.close();
    return { arm, restart, fire, loadSeconds: readSeconds };
  });
}

/** Ids of the runs; a start is answered when the timers of its run are durable. */
async function startAll(rig: Orchestrator, runs: number, perRun: number): Promise<string[]> {
  const plan = sleepers(perRun, SLEEP_MS);
  const ids: string[] = [];
  while (ids.length < runs) {
    const batch = Math.min(STARTS_AT_ONCE, runs - ids.length);
    const started = await Promise.all(Array.from({ length: batch }, () => rig.start(plan)));
    ids.push(...started.map(({ id }) => id));
  }
  return ids;
}
