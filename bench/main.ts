/**
 * `npm run bench -- [--json] [--max N] [--only NAME]`: what one turn, one node, one run, one request cost. Does
 * not measure handlers, networks, or disks other than the one under the temporary directory.
 */
import { parseArgs } from 'node:util';
import { historyBytes } from './history-bytes.js';
import { http, sse } from './http.js';
import { inspect } from './inspect.js';
import { lag, loops, maps, parking, type Row, resume, retries, throughputs } from './measures.js';
import { timers } from './timers.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** Largest plan, in nodes; largest map, in items; longest loop; most timers. */
    max: { type: 'string', default: '100000' },
    only: { type: 'string' },
  },
});

function print(row: Row): void {
  if (values.json) {
    console.log(JSON.stringify(row));
    return;
  }
  const ratio = row.ratio === undefined ? '' : `  ${row.ratio.toFixed(2)} of ${row.baseline}`;
  console.log(
    `${row.name.padEnd(16)} ${row.value.toFixed(row.value < 100 ? 2 : 0).padStart(10)} ${row.unit}${ratio}`,
  );
}

async function* all(): AsyncGenerator<Row> {
  const isWanted = (name: string) => values.only === undefined || values.only === name;
  const max = Number(values.max);
  if (isWanted('throughput')) yield* throughputs(max);
  if (isWanted('map')) yield* maps(max);
  if (isWanted('loop')) yield* loops(max);
  if (isWanted('retry')) yield await retries(max);
  if (isWanted('timers')) yield* timers(max);
  if (isWanted('history-bytes')) yield* historyBytes(max);
  if (isWanted('lag')) yield await lag();
  if (isWanted('parking')) yield* parking();
  if (isWanted('resume')) yield await resume();
  if (isWanted('http')) yield* http();
  if (isWanted('sse')) yield* sse();
  if (isWanted('inspect')) yield* inspect();
}

for await (const row of all()) print(row);
