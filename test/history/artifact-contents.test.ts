import { EventEmitter, once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemEnvironment } from '../../src/actors/environment.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { action, plan } from '../support/plans.js';
import { temporaryDirectory } from '../support/temporary.js';

const LARGE = { text: 'x'.repeat(200_000) };
const handlers = {
  work: () => ({ ok: true, artifacts: [{ name: 'book', kind: 'json', payload: LARGE }] }),
};

it('S226 S94 an exported run takes its large payloads along, and a changed one is refused', async () => {
  const folder = temporaryDirectory();
  const here = await createOrchestrator({ url: join(folder, 'here.db'), handlers });
  const run = await here.start(plan([action('a')]).plan, { id: 'r' });
  await run.result();
  const lines: string[] = [];
  for await (const line of here.runs.export('r')) lines.push(line);
  await here.close();
  const text = lines.join('');
  const file = join(folder, 'r.jsonl');
  writeFileSync(file, text);
  const there = await createOrchestrator({ url: join(folder, 'there.db'), handlers });
  await there.import(file);
  expect(await there.runs.artifact('r', 'book')).toMatchObject({ payload: LARGE });
  const piece = /"data":"([A-Za-z0-9+/]{40})/.exec(text)?.[1] ?? '';
  expect(piece).not.toBe('');
  writeFileSync(
    file,
    text.replace(
      piece,
      piece.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A')),
    ),
  );
  await expect(there.import(file)).rejects.toMatchObject({ code: 'export-damaged' });
  await there.close();
});

const DAY_MS = 86_400_000;

/** The time of the system, some days later. */
function later(days: number) {
  const { clock } = systemEnvironment;
  const now = () => clock.now() + days * DAY_MS;
  return { ...systemEnvironment, clock: { ...clock, now } };
}

function filesOf(database: string): string[] {
  const found = readdirSync(`${database}.artifacts`, { recursive: true }).map(String);
  return found.filter((name) => /[0-9a-f]{64}$/.test(name));
}

it('S173 payloads go when the last run is gone that has them, and only then', async () => {
  const url = join(temporaryDirectory(), 'runs.db');
  const first = await createOrchestrator({ url, handlers });
  await (await first.start(plan([action('a')]).plan, { id: 'old' })).result();
  await first.close();
  expect(filesOf(url)).toHaveLength(1);
  const week = await createOrchestrator({ url, handlers, environment: later(7) });
  await (await week.start(plan([action('a')]).plan, { id: 'new' })).result();
  const kept = await week.trim({ olderThanMs: 5 * DAY_MS });
  expect(kept).toMatchObject({ runs: 1, payloads: 0 });
  expect(await week.runs.artifact('new', 'book')).toMatchObject({ payload: LARGE });
  await week.close();
  const year = await createOrchestrator({ url, handlers, environment: later(365) });
  expect(await year.trim({ olderThanMs: 5 * DAY_MS })).toMatchObject({ runs: 1, payloads: 1 });
  expect(filesOf(url)).toEqual([]);
  await year.close();
});

it('S173 S95 a payload that is under check stays, though no row of an artifact names it yet', async () => {
  const url = join(temporaryDirectory(), 'runs.db');
  const asked = new EventEmitter();
  const judge = async () => {
    asked.emit('asked');
    const [verdict] = await once(asked, 'answered');
    return verdict;
  };
  const checked = plan([action('a', { checks: [{ handler: 'judge', name: 'sound' }] })]).plan;
  const environment = later(7);
  const orchestrator = await createOrchestrator({
    url,
    handlers: { ...handlers, judge },
    environment,
  });
  const isAsked = once(asked, 'asked');
  const run = await orchestrator.start(checked, { id: 'r' });
  await isAsked;
  expect(filesOf(url)).toHaveLength(1);
  expect(await orchestrator.trim({ olderThanMs: 0 })).toMatchObject({ payloads: 0 });
  asked.emit('answered', true);
  await run.result();
  expect(await orchestrator.runs.artifact('r', 'book')).toMatchObject({ payload: LARGE });
  await orchestrator.close();
});
