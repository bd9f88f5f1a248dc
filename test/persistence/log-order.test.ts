/** The log of all runs: turns in the order of their numbers, whatever becomes of runs. */
import { describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { plan } from '../../src/plan/builder.js';
import { temporaryDatabase } from '../support/temporary.js';
import { count } from './support/storage.js';

const work = plan('Work').action('only', { handler: 'work' }).build();

function open(url: string): Promise<Orchestrator> {
  return createOrchestrator({ url, handlers: { work: () => 'done' } });
}

describe('the newest turn of a run that is removed', () => {
  it('S161 S173 keeps its number, and the database opens', async () => {
    const url = temporaryDatabase();
    const first = await open(url);
    await (await first.start(work, { id: 'a' })).result();
    const newest = await first.runs.rows.log.newestTurn();
    await first.trim({ olderThanMs: 0 });
    await first.close();
    expect(await count(url, 'select count(*) from checkpoints')).toBe(0);
    const second = await open(url);
    await (await second.start(work, { id: 'b' })).result();
    const turns = await count(url, 'select min(turn) from checkpoints');
    expect(turns).toBeGreaterThan(newest);
    await second.close();
  });
});
