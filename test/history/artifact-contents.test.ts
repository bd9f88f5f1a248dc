import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createOrchestrator } from '../../src/orchestrator.js';
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
