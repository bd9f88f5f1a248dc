/** Workers of several tenants that wait for the same capability. */
import { expect, it, onTestFinished } from 'vitest';
import { external } from '../../src/index.js';
import { plan } from '../../src/plan/builder.js';
import { openGuarded } from './support/guarded.js';

const work = plan('Work').action('only', { handler: 'scan' }).build();

it('promise 14: work of a tenant calls its own worker, however many of others wait longer', async () => {
  const site = await openGuarded({ scan: external() });
  onTestFinished(() => site.close());
  const claimFor = async (tenant: string, waitMs: number) => {
    const token = await site.token(tenant, ['worker']);
    const body = { worker: tenant, capabilities: ['scan'], waitMs };
    const response = await site.ask('POST', '/work/claim', { token, body });
    return ((await response.json()) as { claims: { run: string }[] }).claims;
  };
  const others = [1, 2, 3].map(() => claimFor('globex', 2_000));
  await site.ask('GET', '/health/live');
  const own = claimFor('acme', 25_000);
  for (let n = 0; n < 20; n += 1) await site.ask('GET', '/health/live');
  await site.orchestrator.forTenant('acme').start(work, { id: 'r' });
  const first = await Promise.race([own, ...others]);
  expect(first.map(({ run }) => run)).toEqual(['acme~r']);
  expect((await own).map(({ run }) => run)).toEqual(['acme~r']);
  expect((await Promise.all(others)).flat()).toEqual([]);
});
