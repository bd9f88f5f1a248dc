/** What one change of a status leaves on disk: pages of all tables and indexes, plans aside. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { TurnRecord } from '../dist/actors/records.js';
import type { Plan } from '../dist/index.js';
import type { Row } from './measures.js';
import { chain } from './plans.js';
import { openRig, withDirectory } from './rig.js';

/** Nodes that are run altogether, whatever the size of the plan. */
const NODES = 4_000;

/** Plans of ten and of a thousand nodes: what a change leaves must not grow with its plan. */
export async function* historyBytes(maxSize: number): AsyncGenerator<Row> {
  const small = await bytesPerTransition(10);
  yield { name: 'history-bytes-10', value: small, unit: 'bytes per transition' };
  if (maxSize < 1_000) return;
  const large = await bytesPerTransition(1_000);
  const ratio = large / small;
  const baseline = 'a plan of 10 nodes';
  yield { name: 'history-bytes', value: large, unit: 'bytes per transition', ratio, baseline };
}

function bytesPerTransition(size: number): Promise<number> {
  return withDirectory(async (directory) => {
    const database = join(directory, 'bench.db');
    const plan = chain(size);
    await runTimes(database, plan, 1);
    const before = statSync(database).size;
    const transitions = await runTimes(database, plan, NODES / size);
    return (statSync(database).size - before) / transitions;
  });
}

/** Runs a plan one time after the other; returns how often a status changed. */
async function runTimes(database: string, plan: Plan, times: number): Promise<number> {
  let transitions = 0;
  const record = ({ rows }: TurnRecord) => {
    transitions += rows.events.filter(({ detailJson }) => detailJson.includes('"to":')).length;
  };
  const rig = await openRig(database, { record });
  for (let time = 0; time < times; time++) await (await rig.start(plan)).result();
  // Brings the log into the file.
  await rig.close();
  return transitions;
}
