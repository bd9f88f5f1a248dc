/** What an exported file tells a tenant of the others. */
import { expect, it } from 'vitest';
import type { ExportLine } from '../../src/history/export-format.js';
import { plan } from '../../src/plan/builder.js';
import { fileWith, openOrchestrator } from '../history/support/played-runs.js';
import { temporaryDatabase } from '../support/temporary.js';

const child = plan('Child').action('a', { handler: 'work' }).build();
const parent = plan('Parent').plan('child', child).subplan('sub', { plan: 'child' }).build();

it('S226 promise 14: numbers of an export to a tenant do not grow with the work of others', async () => {
  const orchestrator = await openOrchestrator(temporaryDatabase());
  const exportOf = async (tenant: string) => {
    const view = orchestrator.forTenant(tenant);
    await (await view.start(parent, { id: 'r' })).result();
    const lines: string[] = [];
    for await (const line of view.runs.export('r')) lines.push(line);
    return lines;
  };
  await exportOf('globex');
  const lines = await exportOf('acme');
  const parsed = lines.map((line) => JSON.parse(line) as ExportLine);
  const runs = parsed.flatMap((line) =>
    typeof line === 'object' && 'turn' in line ? [line.turn] : [],
  );
  const numbers = runs.map(({ checkpoint: { run, turn } }) => ({ run, turn }));
  for (const run of [1, 2]) {
    const turns = numbers.filter((one) => one.run === run).map(({ turn }) => turn);
    expect(turns).toEqual(turns.map((_, place) => place + 1));
    expect(turns.length).toBeGreaterThan(1);
  }
  expect(new Set(lines.join('').match(/"run":\d+/g))).toEqual(new Set(['"run":1', '"run":2']));

  const elsewhere = await openOrchestrator(temporaryDatabase());
  const {
    run,
    runs: count,
    hash,
  } = await elsewhere.forTenant('acme').import(fileWith(lines.join('')));
  expect([run, count]).toEqual(['acme~r', 2]);
  expect(hash).toBe((await orchestrator.runs.replay('acme~r')).hash);
  expect((await elsewhere.runs.verify('acme~r')).findings).toEqual([]);
  expect(await elsewhere.runs.events('acme~r')).toEqual(await orchestrator.runs.events('acme~r'));
});
