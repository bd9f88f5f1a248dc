import { describe, expect, it } from 'vitest';
import { checksOf } from '../../src/cli/doctor-checks.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { examineDatabase } from '../../src/persistence/examine-database.js';
import { tamper } from '../persistence/support/storage.js';
import { action, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

async function examined() {
  const url = temporaryDatabase();
  const orchestrator = await createOrchestrator({ url, handlers: { work: () => 1 } });
  await (await orchestrator.start(plan([action('a')]).plan)).result();
  const examination = await examineDatabase(url);
  await orchestrator.close();
  return { url, examination };
}

describe('doctor', () => {
  it('finds nothing wrong with a database at work', async () => {
    const { examination } = await examined();
    const checks = checksOf(examination, Date.now(), { RUNCHART_PORT: '1', HOME: '/' });
    expect(checks.map(({ severity }) => severity)).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  it('finds a log that lost its end', async () => {
    const { url } = await examined();
    await tamper(url, 'delete from checkpoints where turn = (select max(turn) from checkpoints)');
    expect((await examineDatabase(url)).head).toBe('lost');
  });

  it('tells of each thing that an operator has to see to', async () => {
    const { examination } = await examined();
    const now = Date.now();
    const seen = (change: object, at = now, env = {}) =>
      checksOf({ ...examination, ...change }, at, env)
        .filter(({ severity }) => severity !== 'ok')
        .map(({ check, severity, message }) => `${check} ${severity}: ${message}`);
    expect(seen({ freeBytes: 1_000 })).toEqual([
      expect.stringMatching(/^disk fault: 0\.0 MB free/),
    ]);
    expect(seen({ faults: ['row 3 missing'] })).toEqual(['database fault: damaged: row 3 missing']);
    expect(seen({ head: 'lost' })).toEqual([expect.stringMatching(/^database fault: a turn/)]);
    expect(seen({ newestSchema: 1, schema: 2 })).toEqual([
      expect.stringMatching(/^database fault: schema 2 is newer/),
    ]);
    expect(seen({ newestSchema: 3, schema: 2 })).toEqual([
      expect.stringMatching(/^database warning: .*take a backup/),
    ]);
    expect(seen({ lastTurnAt: now + 60_000 })).toEqual([
      'clock fault: it is 60 s behind the newest turn: timers are late by as much',
    ]);
    expect(seen({}, now, { RUNCHART_PROT: '1' })).toEqual([
      expect.stringMatching(/^configuration warning: .*RUNCHART_PORT/),
    ]);
  });
});
