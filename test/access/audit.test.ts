import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditOptions, AuditTrail } from '../../src/access/audit-trail.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { SqliteAccess } from '../../src/persistence/access.js';
import { plan } from '../../src/plan/builder.js';
import { testKit } from '../../src/testing/index.js';
import { simulatedEnvironment } from '../../src/testing/simulation.js';
import { openTestStorage } from '../persistence/support/storage.js';

let folder: string;
let orchestrator: Orchestrator;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runchart-audit-'));
  orchestrator = await createOrchestrator({ url: join(folder, 'runs.db'), handlers: {} });
});
afterAll(async () => {
  await orchestrator.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the audit', () => {
  it('S197 has a request before its change is durable, and its outcome afterwards', async () => {
    const { audit } = orchestrator;
    const request = {
      session: undefined,
      address: '127.0.0.1',
      action: 'POST /runs',
      target: '/runs',
    };
    const ended = audit.begin(request);
    await orchestrator.start(plan('None').approval('a').build(), { id: 'audited' });
    expect((await audit.list())[0]).toMatchObject({ ...without(request), status: null });
    ended(409, 'run-conflict');
    await orchestrator.start(plan('None').approval('a').build(), { id: 'audited-2' });
    expect((await audit.list())[0]).toMatchObject({ status: 409, code: 'run-conflict' });
  });

  it('S197 is read by tenant and by page, and keeps no more than it is told to', async () => {
    const kit = await testKit({ handlers: {}, audit: { maxRecords: 5, maxAgeMs: 60_000 } });
    const { audit } = kit.orchestrator;
    for (let n = 0; n < 8; n += 1) void ask(audit, n % 2 === 0 ? 'even' : 'odd', n);
    await kit.drain();
    const all = await audit.list();
    expect(all.map(({ action }) => action)).toEqual(
      [7, 6, 5, 4, 3, 2, 1, 0].map((n) => `POST /${n}`),
    );
    const even = await audit.list({ tenant: 'even', limit: 2 });
    expect(even.map(({ target }) => target)).toEqual(['/6', '/4']);
    const next = await audit.list({ tenant: 'even', before: even[1]?.id });
    expect(next.map(({ target }) => target)).toEqual(['/2', '/0']);
    await audit.trim();
    await kit.drain();
    expect((await audit.list()).map(({ target }) => target)).toEqual(['/7', '/6', '/5', '/4']);
    await kit.advance(60_001);
    void ask(audit, 'even', 9);
    await audit.trim();
    await kit.drain();
    expect((await audit.list()).map(({ target }) => target)).toEqual(['/9']);
  });

  it('S197 no tenant can push the records of another one out', async () => {
    const said = fc.record({
      tenant: fc.constantFrom('', 'a', 'b', 'c'),
      records: fc.integer({ min: 1, max: 30 }),
    });
    const rounds = fc.array(said, { minLength: 1, maxLength: 8 });
    const storage = await openTestStorage(join(folder, 'tenants.db'));
    const { journal } = storage;
    const rows = new SqliteAccess(storage.reader);
    const environment = simulatedEnvironment(1);
    const trailOnDisk = (options: AuditOptions) =>
      new AuditTrail({ environment, journal, rows, logger: pino({ enabled: false }), options });
    await fc.assert(
      fc.asyncProperty(rounds, fc.integer({ min: 4, max: 40 }), async (rounds, maxRecords) => {
        await trailOnDisk({ maxRecords: 0 }).trim();
        const kit = await testKit({ handlers: {}, audit: { maxRecords } });
        const lists: string[][] = [];
        for (const audit of [kit.orchestrator.audit, trailOnDisk({ maxRecords })]) {
          for (const { tenant, records } of rounds) {
            const outcomes = Array.from({ length: records }, (_, n) => ask(audit, tenant, n));
            await Promise.all(outcomes);
            await audit.trim();
          }
          const kept = await audit.list({ limit: 1_000 });
          expect(kept.length).toBeLessThanOrEqual(maxRecords);
          const tenants = [...new Set(rounds.map(({ tenant }) => tenant))];
          for (const tenant of tenants) {
            const asked = sum(rounds.filter((round) => round.tenant === tenant));
            const fair = Math.min(asked, Math.floor(maxRecords / tenants.length));
            const left = kept.filter((record) => record.tenant === tenant);
            expect(left.length).toBeGreaterThanOrEqual(fair);
          }
          lists.push(kept.flatMap(({ tenant, target }) => [tenant, target]));
        }
        expect(lists[0]).toEqual(lists[1]);
      }),
      { numRuns: 100 },
    );
  });

  it('S197 keeps on disk what it keeps in memory', async () => {
    const small = await createOrchestrator({
      url: join(folder, 'audit.db'),
      handlers: {},
      audit: { maxRecords: 2 },
    });
    for (let n = 0; n < 4; n += 1) {
      small.audit.begin({ session: undefined, address: 'x', action: 'a', target: `/${n}` })(200);
    }
    await small.audit.trim();
    await small.access.createToken({ principal: 'wait', roles: ['reader'] });
    await small.audit.trim();
    expect((await small.audit.list()).map(({ target }) => target)).toEqual(['/3', '/2']);
    expect(await small.audit.list({ tenant: 'none' })).toEqual([]);
    expect(await small.access.hasTokens()).toBe(true);
    expect(await small.access.tokens({ tenant: 'none' })).toEqual([]);
    expect(await small.access.tokens({ tenant: '', limit: 1 })).toHaveLength(1);
    await small.close();
  });
});

/** A request by one of a tenant, and its outcome. */
function ask(audit: AuditTrail, tenant: string, n: number): Promise<void> {
  const session = { token: 't', tenant, roles: [], principal: { name: 'p', groups: [] } };
  const request = { session, address: undefined, action: `POST /${n}`, target: `/${n}` };
  return audit.begin(request)(200);
}

function sum(rounds: readonly { readonly records: number }[]): number {
  return rounds.reduce((total, { records }) => total + records, 0);
}

function without<T extends { session: unknown }>({ session: _, ...rest }: T) {
  return rest;
}
